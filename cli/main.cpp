#include "command_line.hpp"
#include "completion.hpp"
#include "describe.hpp"
#include "list.hpp"
#include "scaffold.hpp"
#include "show.hpp"
#include "verify.hpp"

#include <exception>
#include <string_view>

int main(int argc, char** argv) try {
  using namespace ruststream::cli;
  if (argc == 3 && std::string_view(argv[1]) == kDescribeRole) run_describe(argv[2]);
  const auto line = read_command_line(argc, argv);
  if (!line) return line.error();
  switch (line->command) {
    case CommandLine::Command::list: return list(*line);
    case CommandLine::Command::show: return show(*line);
    case CommandLine::Command::verify: return verify(*line);
    case CommandLine::Command::new_plugin: return new_plugin(*line);
    case CommandLine::Command::completion: return print_completion();
    case CommandLine::Command::none: break;  // read_command_line says so first
  }
  return kUsage;
} catch (const std::exception& error) {
  // No memory, no process: what the system refuses.
  return ruststream::cli::stop(ruststream::cli::kNotDone, error.what());
}
