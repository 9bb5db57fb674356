#pragma once
#include <ruststream/abi.h>
#include <ruststream/error.hpp>

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace ruststream::cli {

/// All that a table says, which has passed options::check_table. Calls its get_extension.
[[nodiscard]] nlohmann::ordered_json describe(const rst_plugin& table);

/// The same of a file, loaded as a service would by another process of this program, so that whatever its constructors
/// do is no harm. The error is one sentence with the file's name. [a process with one thread]
[[nodiscard]] Result<nlohmann::ordered_json> describe_file(const std::string& path);

constexpr const char* kDescribeRole = "--describe";  // the first argument of that other process; the second is the file
/// All that it does.
[[noreturn]] void run_describe(const char* path);

}  // namespace ruststream::cli
