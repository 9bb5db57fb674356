#include "text.hpp"

#include "options/nearest.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

namespace ruststream::cli {

Exit stop(Exit code, std::string_view sentence) {
  std::fprintf(stderr, "ruststream: %.*s\n", static_cast<int>(sentence.size()), sentence.data());
  return code;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 4096;
  return options::printable(text, kMost);
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string all;
  for (const std::string& each : words) all += (all.empty() ? "" : std::string(between)) + each;
  return all;
}

std::string dumped(const nlohmann::ordered_json& document) {
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Exit print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? kDone : stop(kNotDone, std::string("standard output cannot be written: ") + std::strerror(errno));
}

}  // namespace ruststream::cli
