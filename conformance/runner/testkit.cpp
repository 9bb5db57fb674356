#include "runner/testkit.hpp"

#include <toml++/toml.h>

namespace conformance {

const Testkit::KindKit& Testkit::kind(std::string_view name) const {
  static const KindKit kNone;
  const auto found = kinds.find(name);
  return found != kinds.end() ? found->second : kNone;
}

std::expected<Testkit, std::string> Testkit::read(const std::string&) { return Testkit{}; }

}  // namespace conformance
