#include "runner/warden.hpp"

#include <nlohmann/json.hpp>

namespace conformance {

using nlohmann::json;

std::string Ended::to_json() const {
  const json all{{"how", how},     {"code", code},         {"report", report},       {"output", output},
                 {"doing", doing}, {"leftover", leftover}, {"took_ms", took.count()}};
  return all.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

Ended Ended::from_json(std::string_view lines) {
  Ended ended;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const json from = json::parse(line, nullptr, false);
    if (!from.is_object()) continue;
    if (from.contains("backtrace")) {
      ended.backtrace = from["backtrace"];
      continue;
    }
    ended.how = from.at("how");
    ended.code = from.at("code");
    ended.report = from.at("report");
    ended.output = from.at("output");
    ended.doing = from.at("doing");
    ended.leftover = from.at("leftover");
    ended.took = std::chrono::milliseconds(from.at("took_ms").get<long>());
  }
  return ended;
}

}  // namespace conformance
