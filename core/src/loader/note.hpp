#pragma once

#include "platform/platform.hpp"

#include <ruststream/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::inline v0::loader {

/// What a plugin file says of itself without being run: the descriptor of its ELF note `.note.ruststream`.
struct Note {
  std::uint16_t abi_major = 0;
  std::uint16_t abi_minor = 0;
  std::uint32_t runtime = 0;
  std::string name;
  std::string version;
  std::vector<std::string> schemes;
};

constexpr std::size_t kMaxSections = 4096;
constexpr std::size_t kMaxNote = 4096;
constexpr std::size_t kMaxNoteSchemes = 32;

/// Reads the note from a shared library for this machine. Nothing of the file is executed or mapped, and nothing in it
/// is believed: every offset and length is checked against the file and against the limits above. The error says what
/// the file is instead, without its name.
[[nodiscard]] Result<Note> read_note(const platform::File& file);

/// `Go`; `none` and `unknown` where it is so.
[[nodiscard]] std::string_view runtime_name(std::uint32_t runtime) noexcept;

}  // namespace ruststream::inline v0::loader
