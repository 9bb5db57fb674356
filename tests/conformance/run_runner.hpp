// The conformance runner as a user starts it; RUNNER is its path.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace conformance_test {

namespace fs = std::filesystem;

struct Ran {
  int exit = -1;
  std::string out, errors;
};

inline std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();  // does not throw where the file is of a process that has just ended
  return text.str();
}

inline Ran run(const std::string& arguments) {
  const fs::path base = fs::temp_directory_path() / ("conformance_test." + std::to_string(::getpid()));
  const std::string out = base.string() + ".out";
  const std::string errors = base.string() + ".errors";
  const int status = std::system((RUNNER " " + arguments + " >" + out + " 2>" + errors).c_str());
  Ran ran{WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(out), content(errors)};
  fs::remove(out);
  fs::remove(errors);
  return ran;
}

}  // namespace conformance_test
