#pragma once
#include "loader/listing.hpp"

#include <ruststream/abi.h>

#include <string>
#include <string_view>
#include <vector>

namespace ruststream::cli {

/// A plugin where a service would find it. Nothing of its file has run.
struct Found {
  std::string level;    // of the search path
  std::string file;     // empty: it is linked into libruststream
  loader::Note note;    // of a refused file as far as it could be read
  std::string refusal;  // empty: it may be loaded
  const rst_plugin* linked = nullptr;
};

/// All of them, in the order in which a service looks: the first that has a scheme is taken for it.
struct Survey {
  std::vector<Found> plugins;
  std::vector<loader::Directory> directories;

  /// The first of that name, else of that scheme, else whose file is called so, with or without `.so`; or null.
  [[nodiscard]] const Found* find(std::string_view name) const;
};

/// `program`: whose folder is searched too; empty: none.
[[nodiscard]] Survey survey(const std::string& program);

}  // namespace ruststream::cli
