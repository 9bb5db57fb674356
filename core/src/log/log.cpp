#include "log/log.hpp"

#include "log/line.hpp"
#include "platform/stderr.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <mutex>
#include <string>
#include <utility>

namespace ruststream::inline v0::log {
namespace {

/// Standard error behind spdlog's formatter. It counts the lines that standard error did not take.
class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  std::uint64_t lost = 0;

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (!platform::write_stderr({line.data(), line.size()})) ++lost;
  }
  void flush_() override {}
};

constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%eZ %v";
constexpr const char* kJsonPattern = R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ",%v})";

}  // namespace

/// All behind one mutex, held for no longer than formatting and a write that cannot block.
struct Logger::Output {
  std::mutex mutex;
  Format format = Format::text;
  std::shared_ptr<const Sink> host;  ///< shared, so that it is called without the mutex
  std::shared_ptr<StderrSink> standard_error = std::make_shared<StderrSink>();
  spdlog::logger logger{"ruststream", standard_error};  // in no registry: spdlog's global state is the host program's

  void set_format(Format wanted) {
    format = wanted;
    logger.set_pattern(format == Format::json ? kJsonPattern : kTextPattern, spdlog::pattern_time_type::utc);
  }

  void print(const Record& record) {
    const std::string payload = format == Format::json ? json_payload(record) : text_payload(record);
    logger.log(record.time, spdlog::source_loc{}, spdlog::level::info, spdlog::string_view_t(payload));
  }

  void print_loss() {
    const std::uint64_t lost = standard_error->lost;
    if (lost == 0) return;
    const Field count("lines", lost);
    print(Record{.time = std::chrono::system_clock::now(),
                 .level = Level::warn,
                 .target = "log",
                 .text = "standard error was full, lines are lost",
                 .fields = {&count, 1}});
    standard_error->lost = standard_error->lost == lost ? 0 : lost;
  }
};

Logger::Logger(Level level, Format format)
    : level_(static_cast<std::uint32_t>(level)), output_(std::make_unique<Output>()) {
  output_->set_format(format);
}

Logger::~Logger() { output_->print_loss(); }

bool Logger::enabled(Level level) const noexcept {
  const auto wanted = static_cast<std::uint32_t>(level);
  return wanted != 0 && wanted <= std::atomic_ref(level_).load(std::memory_order_relaxed);
}

void Logger::set_level(Level level) noexcept {
  std::atomic_ref(level_).store(static_cast<std::uint32_t>(level), std::memory_order_relaxed);
}

void Logger::set_format(Format format) {
  const std::scoped_lock lock(output_->mutex);
  output_->set_format(format);
}

void Logger::set_sink(Sink sink) {
  auto next = sink ? std::make_shared<const Sink>(std::move(sink)) : nullptr;
  const std::scoped_lock lock(output_->mutex);
  output_->host.swap(next);
}

void Logger::write(Level level, std::string_view target, std::string_view text, std::span<const Field> fields) {
  if (!enabled(level)) return;
  const Record record{
      .time = std::chrono::system_clock::now(), .level = level, .target = target, .text = text, .fields = fields};
  std::unique_lock lock(output_->mutex);
  if (const std::shared_ptr<const Sink> host = output_->host) {
    lock.unlock();
    try {
      (*host)(record);
    } catch (...) {  // the host's own trouble, and there is nowhere left to say it
      return;
    }
    return;
  }
  output_->print_loss();
  output_->print(record);
}

}  // namespace ruststream::inline v0::log
