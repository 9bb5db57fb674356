#pragma once

#include "loader/note.hpp"
#include "loader/search_path.hpp"
#include "platform/platform.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::inline v0::loader {

constexpr std::size_t kMaxFilesInDirectory = 4096;

/// A file that may be a plugin, looked at without running anything of it.
struct Candidate {
  std::string path;       ///< as found
  std::string real_path;  ///< what would be loaded; empty when it cannot be told
  platform::FileIdentity identity;
  Note note;                   ///< also of a refused file; without a name when it could not be read
  std::string refusal;         ///< the reason and the remedy; empty when it may be loaded
  Code code = Code::internal;  ///< of the refusal

  [[nodiscard]] bool claims(std::string_view scheme) const;
};

struct Directory {
  std::string level;
  std::string path;
  bool absent = false;
  std::string refusal;  ///< why nothing in it was looked at; empty otherwise
  std::vector<Candidate> files;
};

/// A file named by its path is the user's own decision; one that was found must be safe from others.
enum class Origin { named, found };

/// Looks at one file: what it is, whether others can change it (Origin::found), its note, and whether that fits this
/// host.
[[nodiscard]] Candidate examine(const std::string& path, Origin origin);

/// Looks at every file of a directory. A directory that others can change is refused whole.
[[nodiscard]] Directory list_directory(const std::string& level, const std::string& path);

/// All directories of one level; one Directory with the reason when the level is ignored.
[[nodiscard]] std::vector<Directory> list_level(const Level& level);

/// `0.1 (draft)`.
[[nodiscard]] std::string contract_name(unsigned major, unsigned minor);

/// Why a plugin of that contract version does not work with this host, with the remedy; empty when it does. While the
/// major is 0 the minor is a draft number and must be the same.
[[nodiscard]] std::string why_incompatible(std::uint16_t abi_major, std::uint16_t abi_minor);

}  // namespace ruststream::inline v0::loader
