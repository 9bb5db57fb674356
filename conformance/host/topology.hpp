#pragma once
#include "host/test.hpp"

#include <string>

namespace conformance {

/// Creates an address through rst.admin, with the testkit's admin options, for a testkit that says `create`. It stays:
/// the name is of this run alone, and a server for tests forgets it.
void create_address(Test& test, const std::string& address);

}  // namespace conformance
