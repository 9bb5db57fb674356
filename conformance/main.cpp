#include "runner/child.hpp"
#include "runner/command_line.hpp"
#include "runner/run.hpp"
#include "runner/warden.hpp"

#include <string_view>

int main(int argc, char** argv) {
  const std::string_view role = argc == 3 ? argv[1] : "";
  if (role == "--child") conformance::run_child(conformance::Errand::from_json(argv[2]));
  if (role == "--warden") conformance::run_warden(conformance::Errand::from_json(argv[2]));
  const auto line = conformance::read_command_line(argc, argv);
  return line ? conformance::run(*line) : line.error();
}
