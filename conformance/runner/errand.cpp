#include "runner/errand.hpp"

#include <nlohmann/json.hpp>

namespace conformance {

using nlohmann::json;

std::string Errand::to_json() const {
  json options_json = json::array();
  for (const auto& [key, value] : options) options_json.push_back({key, value});
  return json{{"plugin", plugin}, {"testkit", testkit}, {"url", url},     {"options", options_json},
              {"case", name},     {"kind", kind},       {"seed", seed},   {"timeout_ms", timeout.count()},
              {"report", report}, {"doing", doing},     {"apart", apart}, {"unique", unique}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

Errand Errand::from_json(std::string_view text) {
  const json from = json::parse(text);
  Errand errand;
  errand.plugin = from.at("plugin");
  errand.testkit = from.value("testkit", "");
  errand.url = from.value("url", "");
  for (const json& each : from.value("options", json::array())) errand.options.emplace_back(each.at(0), each.at(1));
  errand.name = from.value("case", "");
  errand.kind = from.value("kind", "");
  errand.apart = from.value("apart", "");
  errand.unique = from.value("unique", "");
  errand.seed = from.value("seed", std::uint64_t{1});
  errand.timeout = std::chrono::milliseconds(from.value("timeout_ms", errand.timeout.count()));
  errand.report = from.value("report", 1);
  errand.doing = from.value("doing", -1);
  return errand;
}

}  // namespace conformance
