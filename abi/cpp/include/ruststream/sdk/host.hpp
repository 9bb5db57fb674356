#pragma once
// Calls into the host.

#include <ruststream/abi/plugin.h>
#include <ruststream/sdk/text.hpp>

#include <span>

namespace ruststream::sdk {

/// Whom a log line or an event is about: the host's ids.
struct About {
  std::uint64_t connection = 0;
  std::uint64_t subject = 0;
};

/// The host of one instance. Copyable, any thread, valid until deinit returns.
class Host {
 public:
  explicit Host(const rst_host* host) noexcept : host_(host) {}

  [[nodiscard]] bool logs(std::uint32_t level) const noexcept {
    return level <= __atomic_load_n(host_->log_level, __ATOMIC_RELAXED);
  }
  /// Builds the text only when the level is wanted. No secret, no payload (rule O2).
  template <typename... Pieces>
  void log(std::uint32_t level, About about, std::string_view target, const Pieces&... pieces) const {
    if (!logs(level)) return;
    rst_error text{};  // the same bounded builder; only its text is used
    fill_error(text, 0, 0, pieces...);
    rst_log line{};
    line.struct_size = sizeof line;
    line.level = level;
    line.connection = about.connection;
    line.subject = about.subject;
    line.target = rst(target);
    line.text = {text.text, text.text_len};
    host_->log(host_, &line);
  }

  /// An event of which more fields than kind and ids may be set first.
  [[nodiscard]] static rst_event event(std::uint32_t kind, About about) noexcept {
    rst_event event{};
    event.struct_size = sizeof event;
    event.kind = kind;
    event.connection = about.connection;
    event.subject = about.subject;
    return event;
  }
  void send(const rst_event& event) const noexcept { host_->event(host_, &event); }

  /// Ends one operation; 0 is nobody's.
  void complete(std::uint64_t op, std::uint64_t value = 0) const noexcept {
    if (op == 0) return;
    const rst_completion completion{op, RST_OK, 0, value, nullptr};
    host_->complete(host_, &completion, 1, sizeof completion);
  }
  void fail(std::uint64_t op, const rst_error& error) const noexcept {
    if (op == 0) return;
    const rst_completion completion{op, rst_status(error.code, error.flags), 0, 0, &error};
    host_->complete(host_, &completion, 1, sizeof completion);
  }
  void complete(std::span<const rst_completion> completions) const noexcept {
    host_->complete(host_, completions.data(), static_cast<std::uint32_t>(completions.size()), sizeof(rst_completion));
  }

  std::int32_t deliver(rst_batch& batch) const noexcept { return host_->deliver(host_, &batch); }

  [[nodiscard]] std::int64_t wall_ns() const noexcept { return host_->now(host_, RST_CLOCK_WALL); }
  [[nodiscard]] std::int64_t monotonic_ns() const noexcept { return host_->now(host_, RST_CLOCK_MONOTONIC); }

  [[nodiscard]] const rst_host* raw() const noexcept { return host_; }

 private:
  const rst_host* host_;
};

/// Gathers completions and hands them over in one call: when it is full, on flush, and at its end.
class Completions {
 public:
  static constexpr std::uint32_t kMost = 64;

  explicit Completions(Host host) noexcept : host_(host) {}
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;
  ~Completions() { flush(); }

  void add(std::uint64_t op, std::uint64_t value = 0) noexcept {
    if (op == 0) return;
    waiting_[count_++] = {op, RST_OK, 0, value, nullptr};
    if (count_ == kMost) flush();
  }
  /// Failures are rare: each goes at once, behind what was gathered, so that order is kept.
  void fail(std::uint64_t op, const rst_error& error) noexcept {
    flush();
    host_.fail(op, error);
  }
  void flush() noexcept {
    if (count_ != 0) host_.complete({waiting_.data(), count_});
    count_ = 0;
  }

 private:
  Host host_;
  std::uint32_t count_ = 0;
  std::array<rst_completion, kMost> waiting_;
};

}  // namespace ruststream::sdk
