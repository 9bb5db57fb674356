#include "runner/judge.hpp"

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>

namespace conformance {
namespace {

using nlohmann::json;
using How = Ended::How;

/// Lines in the report may be a plugin's: whatever they hold, this throws nothing.
json find_line(const Ended& ended, std::string_view key) {
  std::string_view lines = ended.report;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    json parsed = json::parse(line, nullptr, false);
    if (parsed.is_object() && parsed.contains(key)) return parsed[std::string(key)];
  }
  return nullptr;
}

std::string text(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string signal_name(int signal) {
  const char* const name = ::sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

std::string during(const Ended& ended) { return ended.doing.empty() ? "" : ", inside " + ended.doing.front(); }

/// The first that is a verb: what a thread of the case is in may be something else.
bool inside_verb(const Ended& ended) {
  return !ended.doing.empty() && !ended.doing.front().starts_with("its ");  // "its constructors"
}

std::string rule_of_hang(const Case& of, const Ended& ended, bool reported) {
  if (!inside_verb(ended)) return reported ? "T5" : std::string(of.rule);
  const std::string& verb = ended.doing.front();
  return verb == "init" || verb == "deinit" ? "L3" : "B1";
}

std::string rule_of_crash(const Case& of, const Ended& ended, bool reported) {
  if (reported) return "T5";
  const std::string_view inside = ended.doing.empty() ? std::string_view() : ended.doing.front();
  if (inside == "release") return "M1";
  return inside == "release after close" ? "L6" : std::string(of.rule);
}

/// The C library's word for memory that it has not given: what the host lends is none of its.
bool freed_foreign_memory(std::string_view output) {
  for (const std::string_view line : {"free(): invalid", "munmap_chunk(): invalid", "realloc(): invalid"}) {
    if (output.find(line) != std::string_view::npos) return true;
  }
  return false;
}

/// What a sanitizer's report says in one line, "AddressSanitizer: heap-use-after-free broker.cpp:7 in pump"; empty:
/// there is none.
std::string sanitizer_report(const Ended& ended) {
  constexpr std::string_view kSummary = "SUMMARY: ";
  const std::string_view output = ended.output;
  const std::size_t at = output.rfind(kSummary);
  if (at == std::string_view::npos) return {};
  const std::string_view line = output.substr(at + kSummary.size(), output.find('\n', at) - at - kSummary.size());
  return line.find("Sanitizer: ") != std::string_view::npos ? std::string(line) : std::string();
}

/// A leak is known only when the process exits: whatever the case is about, an instance left it behind.
Violation of_sanitizer(const Case& of, const Ended& ended, const std::string& report) {
  const bool leak = report.find("leaked in") != std::string::npos;
  return {leak ? "L3" : std::string(of.rule), "a sanitizer has nothing to report", report + during(ended)};
}

Violation of_crash(const Case& of, const Ended& ended, const json& crash, bool reported) {
  if (const std::string report = sanitizer_report(ended); !report.empty()) return of_sanitizer(of, ended, report);
  if (freed_foreign_memory(ended.output))
    return {"M3", "nobody frees what the other side allocated", "what was never allocated was freed" + during(ended)};
  const std::string lent = text(crash, "lent");
  if (!lent.empty()) {
    const auto taken = crash.find("taken_back");
    if (taken != crash.end() && *taken == true) {
      return {"M4", "lent memory is not touched after it was taken back", "the plugin touched " + lent + during(ended)};
    }
    return {"V3", "nothing is read or written past the end of what was lent",
            "the plugin went past the end of " + lent + during(ended)};
  }
  return {rule_of_crash(of, ended, reported),
          reported ? "the process exits without deinit" : "the case runs to its end", end_of(ended)};
}

Violation of_hang(const Case& of, const Ended& ended, bool reported) {
  const std::string seconds = std::to_string(ended.took.count() / 1000);
  return {rule_of_hang(of, ended, reported), inside_verb(ended) ? "the verb returns" : "the case ends",
          "nothing happened any more" + during(ended) + ": stopped after " + seconds + " s"};
}

/// A thread that has crashed stands still, and the others of its process go on: what they report then is not heard.
bool reported_before_crash(const Ended& ended) {
  return ended.report.find("{\"result\":") < ended.report.find("{\"crash\":");
}

void add_report(const json& report, Result& result) {
  const auto violations = report.find("violations");
  if (violations != report.end() && violations->is_array()) {
    for (const json& each : *violations)
      result.violations.push_back({text(each, "rule"), text(each, "expected"), text(each, "seen")});
  }
  const auto warnings = report.find("warnings");
  if (warnings != report.end() && warnings->is_array()) {
    for (const json& each : *warnings)
      if (each.is_string()) result.notes.push_back(each);
  }
  const auto measures = report.find("measures");
  if (measures != report.end() && measures->is_array()) {
    for (const json& each : *measures)
      result.measures.push_back(
          {text(each, "name"), each.is_object() ? each.value("value", 0.0) : 0.0, text(each, "unit")});
  }
  if (!result.notes.empty()) result.judgement = Judgement::warn;
  if (std::string reason = text(report, "skipped"); !reason.empty()) {
    result.judgement = Judgement::skip;
    result.notes.push_back(std::move(reason));
  }
  if (!result.violations.empty()) result.judgement = Judgement::fail;
}

void add_leftover(const Ended& ended, Result& result) {
  if (ended.leftover.empty()) return;
  const bool forked = ended.leftover.front().empty();
  result.judgement = Judgement::fail;
  result.violations.push_back({forked ? "T4" : "L3",
                               forked ? "a plugin that forks only execs in the child" : "an instance leaves nothing",
                               std::to_string(ended.leftover.size()) + " of its processes were left behind" +
                                   (forked ? ", forked without exec" : ", one of them " + ended.leftover.front())});
}

}  // namespace

std::string_view name_of(Judgement judgement) noexcept {
  constexpr std::array<std::string_view, 6> kNames{"pass", "fail", "crash", "hang", "skip", "warn"};
  return kNames.at(static_cast<std::size_t>(judgement));
}

std::string end_of(const Ended& ended) {
  switch (ended.how) {
    case How::exited: return "the process ended with exit code " + std::to_string(ended.code) + during(ended);
    case How::signalled: return "the process was killed by " + signal_name(ended.code) + during(ended);
    case How::crashed: {
      const json crash = find_line(ended, "crash");
      const auto signal = crash.is_object() ? crash.find("signal") : crash.end();
      const bool known = crash.is_object() && signal != crash.end() && signal->is_number_integer();
      return "it crashed with " + signal_name(known ? signal->get<int>() : 0) + during(ended);
    }
    case How::timed_out:
    case How::stuck: return "it never ended" + during(ended);
    case How::grew:
      return "its memory grew past " + std::to_string(kMemoryLimit >> 20U) + " MiB" + during(ended) +
             ", and it was stopped";
    case How::lost: return "the process that watched over it is gone";
  }
  return {};
}

std::string report_line(const Ended& ended, std::string_view key) {
  const json found = find_line(ended, key);
  if (found.is_string()) return found;
  return found.is_null() ? std::string() : found.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result judge(const Case& of, const Errand& errand, const Ended& ended) {
  Result result;
  result.of = &of;
  result.kind = errand.kind;
  result.seed = errand.seed;
  result.output = ended.output;
  result.backtrace = ended.backtrace;
  result.took = ended.took;
  const json report = reported_before_crash(ended) ? find_line(ended, "result") : nullptr;
  const bool reported = report.is_object();
  if (reported) add_report(report, result);
  const auto add = [&](Judgement judgement, Violation violation) {
    result.judgement = judgement;
    result.violations.push_back(std::move(violation));
  };
  if (ended.how == How::crashed) {
    add(Judgement::crash, of_crash(of, ended, find_line(ended, "crash"), reported));
  } else if (ended.how == How::timed_out || ended.how == How::stuck) {
    add(Judgement::hang, of_hang(of, ended, reported));
  } else if (const std::string sanitized = sanitizer_report(ended); ended.code != 0 && !sanitized.empty()) {
    add(Judgement::crash, of_sanitizer(of, ended, sanitized));  // one that is told not to abort
  } else if (ended.how != How::exited) {
    add(Judgement::crash, {reported ? "T5" : std::string(of.rule), "the case runs to its end", end_of(ended)});
  } else if (!reported) {
    const std::string error = report_line(ended, "error");
    add(Judgement::fail, {error.empty() ? std::string(of.rule) : "entry", "the case runs to its end",
                          error.empty() ? end_of(ended) : error});
  } else if (ended.code != 0) {
    add(Judgement::fail, {"T5", "the process exits with code 0", end_of(ended)});
  } else {
    add_leftover(ended, result);
  }
  return result;
}

}  // namespace conformance
