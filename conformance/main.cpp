#include "runner/child.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--child") {
    const auto json = nlohmann::json::parse(argv[2]);
    conformance::Errand errand;
    errand.plugin = json.at("plugin");
    errand.testkit = json.value("testkit", "");
    errand.name = json.value("case", "");
    errand.kind = json.value("kind", "");
    errand.seed = json.value("seed", 1);
    errand.report = json.value("report", 1);
    conformance::run_child(errand);
  }
  return 3;
}
