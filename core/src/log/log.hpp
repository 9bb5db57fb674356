#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

/// What the framework and its plugins say to people. One Logger belongs to one app or client, which hands references
/// down; there is no global one, so two apps in a process, or an app inside somebody else's program, do not mix.
namespace ruststream::inline v0::log {

/// The numbers of `rst_log.level` and `*rst_host.log_level`; `off` lets nothing through.
enum class Level : std::uint32_t { off, error, warn, info, debug, trace };

enum class Format : std::uint8_t { text, json };

/// One fact beside the text: `{"subscription", "billing"}`, `{"attempt", 3}`. Borrowed for the call.
struct Field {
  std::string_view name;
  std::string_view text;
  std::int64_t number = 0;
  bool is_number = false;

  Field(std::string_view n, std::string_view value) : name(n), text(value) {}
  template <std::integral T>
  Field(std::string_view n, T value) : name(n), number(static_cast<std::int64_t>(value)), is_number(true) {}
};

/// One line, as a sink gets it; everything in it is borrowed for the call.
struct Record {
  std::chrono::system_clock::time_point time;
  Level level = Level::info;
  std::string_view target;  ///< which part speaks: `loader`, `runtime`, a plugin's `nats.reconnect`
  std::string_view text;
  std::span<const Field> fields;
};

/// Where a host program takes the lines instead. Called on whatever thread logs, perhaps on several at once; what it
/// throws is dropped. It is user code, so the host's `log` slot must not reach it (rule H2): queue those lines to the
/// loop.
using Sink = std::function<void(const Record&)>;

/// Every call is any-thread. Making one starts no thread and opens nothing.
///
/// Without a sink, lines go to standard error, at most kMaxLine bytes each and never mixed with another's. A reader
/// that stalls loses lines rather than stop the loop; the next line that goes through says how many.
class Logger {
 public:
  explicit Logger(Level level = Level::info, Format format = Format::text);
  Logger(Logger&&) = delete;
  ~Logger();

  /// Ask before making a text that costs something.
  [[nodiscard]] bool enabled(Level level) const noexcept;
  void set_level(Level level) noexcept;
  /// For `rst_host.log_level`: read it with a relaxed atomic load. Lives as long as the Logger.
  [[nodiscard]] const std::uint32_t* level_address() const noexcept { return &level_; }

  void set_format(Format format);
  /// An empty one goes back to standard error. A call that is under way still ends in the old one.
  void set_sink(Sink sink);

  void write(Level level, std::string_view target, std::string_view text, std::span<const Field> fields = {});
  void write(Level level, std::string_view target, std::string_view text, std::initializer_list<Field> fields) {
    write(level, target, text, std::span<const Field>(fields.begin(), fields.size()));
  }

 private:
  struct Output;

  mutable std::uint32_t level_;  ///< only through std::atomic_ref here; plugins read it
  std::unique_ptr<Output> output_;
};

}  // namespace ruststream::inline v0::log
