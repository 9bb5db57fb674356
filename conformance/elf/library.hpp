#pragma once
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace conformance {

/// What a shared library's file says of itself. Nothing of it is run.
struct Library {
  struct Symbol {
    std::string name;
    bool weak = false;
    bool unique = false;  // STB_GNU_UNIQUE: shared by all libraries of the process, however they are loaded
    bool function = false;
  };
  /// The descriptor of the note of the contract, with its texts.
  struct Note {
    std::uint16_t abi_major = 0, abi_minor = 0;
    std::uint32_t runtime = 0;
    std::string name, version, schemes;
  };

  std::vector<Symbol> exported, undefined;
  std::vector<std::string> needed;
  std::vector<std::string> search_paths;  // RPATH and RUNPATH, as they are written
  std::uint64_t tls_bytes = 0;
  bool static_tls = false, text_relocations = false, bind_now = false, executable_stack = false;
  std::optional<Note> note;

  /// What is wrong with the file, in one sentence, when it cannot be read to its end.
  [[nodiscard]] static std::expected<Library, std::string> read(const std::string& path);
};

}  // namespace conformance
