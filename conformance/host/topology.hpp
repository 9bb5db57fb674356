#pragma once
#include "host/test.hpp"

#include <string>

namespace conformance {

/// Creates an object through rst.admin, with the testkit's admin options, for a testkit that says so. It stays: the
/// name is of this run alone, and a server for tests forgets it.
void create_object(Test& test, const std::string& name);

}  // namespace conformance
