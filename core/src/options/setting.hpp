#pragma once

#include <string>
#include <vector>

namespace ruststream::inline v0::options {

/// What a user wrote about one option, before anybody knows its type.
struct Setting {
  std::string name;
  std::vector<std::string> values;  ///< one, or the items of a list
  bool is_list = false;             ///< written as a list; else a list option splits the one value at its commas
  std::string source;               ///< where it was written, for errors: `TOML quakes.toml:12`, `--set`, `the URL`
};

}  // namespace ruststream::inline v0::options
