// The least host that a plugin can have, for the loops without a framework: one connection, completions by number,
// batches in the order in which they came.
#pragma once

#include <ruststream/abi.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

using NumberOptions = std::vector<std::pair<std::string_view, std::uint64_t>>;

/// Ends the process when anything fails. Calls of the plugin come from its threads, the others from one thread.
class Host {
 public:
  static constexpr std::size_t kOperations = 8192;  // pending at once, at most

  Host(const std::string& plugin, const std::string& url);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  ~Host();

  /// A handle, once the broker has it. `max_batch` 0: the plugin's choice.
  std::uint64_t subscribe(std::string_view kind, const std::string& address, std::string_view durable,
                          std::uint32_t credit, const NumberOptions& options, std::uint32_t max_batch = 0);
  std::uint64_t open_publisher(std::string_view kind, const std::string& destination, const NumberOptions& options,
                               std::uint32_t flags);

  /// The oldest batch; blocks. The caller owes its release.
  rst_batch* next();
  void credit(std::uint64_t subscription, std::uint32_t messages);
  void acknowledge(std::uint64_t subscription, const rst_batch& batch);

  /// Hands messages over in one call, or as many as the plugin's room makes of it. `operation` is 0, or a number of
  /// `begin` for one message.
  void publish(std::uint64_t publisher, std::span<const rst_out_message> messages, std::uint64_t operation);
  /// Everything that the connection took has its final status.
  void flush();

  /// A new operation, whose place is free when its forerunner there has been awaited.
  std::uint64_t begin();
  /// The value with which it ended.
  std::uint64_t await(std::uint64_t operation);

 private:
  struct Operation {
    std::atomic<std::uint64_t> ended;  // the last number that ended here
    std::int32_t status = RST_OK;
    std::uint64_t value = 0;
    std::string text;
  };

  static std::int32_t deliver(const rst_host* host, rst_batch* batch);
  static void complete(const rst_host* host, const rst_completion* completions, std::uint32_t count,
                       std::uint32_t stride);
  static void event(const rst_host* host, const rst_event* event);
  static void log(const rst_host* host, const rst_log* log);
  static std::int64_t now(const rst_host* host, std::uint32_t clock);
  static const void* no_extension(const rst_host* host, rst_str id);

  [[nodiscard]] std::uint32_t kind(std::string_view name) const;
  [[nodiscard]] std::vector<rst_option> options(const NumberOptions& given, std::uint32_t scope) const;
  std::uint64_t handle(std::int32_t returned, const rst_error& error, std::uint64_t operation, std::uint64_t made);
  void ended(const rst_completion& completion);

  const rst_plugin* table_ = nullptr;
  rst_host host_{};
  std::uint32_t log_level_ = RST_LOG_WARN;
  void* instance_ = nullptr;
  std::uint64_t connection_ = 0;
  std::uint64_t names_ = 0;  // ids, never given twice
  std::array<Operation, kOperations> operations_{};
  std::uint64_t last_operation_ = 0;
  std::atomic<rst_batch*> arrived_{nullptr};  // newest first, linked by host[0]
  rst_batch* waiting_ = nullptr;              // oldest first
  std::atomic<std::uint32_t> writable_{0};
  std::vector<rst_settlement> settlements_;
};

}  // namespace bench
