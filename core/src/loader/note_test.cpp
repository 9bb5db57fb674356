#include "loader/note.hpp"

#include "loader/test_directory.hpp"

#include <ruststream/abi.h>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <elf.h>
#include <string>

namespace ruststream::loader {
namespace {

class NoteTest : public testing::Test {
 protected:
  Result<Note> read(const std::string& path) {
    auto file = platform::File::open(path);
    if (!file) return std::unexpected(file.error());
    return read_note(*file);
  }
  Result<Note> read_bytes(const std::string& bytes) { return read(directory_.write("x.so", bytes)); }
  std::string refusal(const std::string& bytes) {
    const auto note = read_bytes(bytes);
    return note ? "read" : note.error().text;
  }
  /// A library with `size` bytes replaced; the note's own offset is `in_note` from where its owner's name is.
  template <class T>
  std::string with(std::size_t offset, T value) const {
    std::string bytes = good_;
    std::memcpy(bytes.data() + offset, &value, sizeof value);
    return bytes;
  }
  [[nodiscard]] std::size_t note_at(std::size_t field) const { return good_.find(kOwner) - 12 + field; }

  inline static const std::string kOwner{"RUSTSTREAM\0\0", 12};
  test::TestDirectory directory_;
  std::string good_ = test::contents(directory_.add("good"));
};

TEST_F(NoteTest, TellsWhatThePluginSaysOfItself) {
  const auto note = read(directory_.at("good.so"));
  ASSERT_TRUE(note) << note.error().text;
  EXPECT_EQ(note->abi_major, RST_ABI_MAJOR);
  EXPECT_EQ(note->abi_minor, RST_ABI_MINOR);
  EXPECT_EQ(note->runtime, 0U);
  EXPECT_EQ(note->name, "org.example.test");
  EXPECT_EQ(note->version, "1.0.0");
  EXPECT_EQ(note->schemes, std::vector<std::string>{"test"});
}

TEST_F(NoteTest, SaysWhatAForeignFileIs) {
  EXPECT_EQ(refusal(""), "it is no library: it has 0 bytes");
  EXPECT_EQ(refusal("a text file, not a library"), "it is no library (no ELF file)");
  EXPECT_EQ(refusal(with<std::uint8_t>(EI_CLASS, ELFCLASS32)), "it is a 32-bit library; build it for 64 bits");
  EXPECT_EQ(refusal(with<std::uint8_t>(EI_DATA, ELFDATA2MSB)), "it is a big-endian library; build it for this machine");
  EXPECT_NE(refusal(with<std::uint16_t>(offsetof(Elf64_Ehdr, e_machine), EM_S390))
                .find("it is built for S/390, this machine"),
            std::string::npos);
  EXPECT_EQ(refusal(with<std::uint16_t>(offsetof(Elf64_Ehdr, e_type), ET_EXEC)),
            "it is an ELF file, but no shared library");
  const auto plain = read(directory_.add("no_note"));
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().text, "it is a library, but no plugin: it has no note .note.ruststream");
}

TEST_F(NoteTest, RefusesADamagedNote) {
  const char* const damaged = "its note .note.ruststream is damaged";
  constexpr std::size_t kFixed = offsetof(rst_elf_note, note);
  EXPECT_EQ(refusal(with<std::uint32_t>(note_at(offsetof(rst_elf_note, name_size)), 10)), damaged);
  EXPECT_EQ(refusal(with<std::uint32_t>(note_at(offsetof(rst_elf_note, desc_size)), 0xFFFFFFFF)), damaged);
  EXPECT_EQ(refusal(with<std::uint32_t>(note_at(offsetof(rst_elf_note, desc_size)), 4)), damaged);
  EXPECT_EQ(refusal(with<std::uint32_t>(note_at(offsetof(rst_elf_note, type)), 2)), damaged);
  EXPECT_EQ(refusal(with<std::uint32_t>(note_at(kFixed + offsetof(rst_note, size)), 19)), damaged);
  EXPECT_EQ(refusal(with<std::uint32_t>(note_at(kFixed + offsetof(rst_note, size)), 0xFFFFFFFF)), damaged);
  EXPECT_EQ(refusal(with<std::uint16_t>(note_at(kFixed + offsetof(rst_note, name_len)), 0)), damaged);
  EXPECT_EQ(refusal(with<std::uint16_t>(note_at(kFixed + offsetof(rst_note, version_len)), 0xFFFF)), damaged);
  EXPECT_EQ(refusal(with<std::uint16_t>(note_at(kFixed + offsetof(rst_note, schemes_len)), 0)), damaged);
  EXPECT_EQ(refusal(with<char>(note_at(kFixed + sizeof(rst_note)), '\n')), damaged);
  EXPECT_EQ(refusal(with<char>(note_at(kFixed + sizeof(rst_note)), '\xff')), damaged);
}

TEST_F(NoteTest, NeverReadsBeyondAFileThatWasCutOff) {
  for (std::size_t length = 0; length < good_.size(); length += length < 128 ? 1 : 97) {
    const auto note = read_bytes(good_.substr(0, length));
    ASSERT_FALSE(note) << length;  // the section headers lie at the end
    EXPECT_FALSE(note.error().text.empty());
  }
}

TEST_F(NoteTest, SurvivesEveryDamagedByteOfItsHeaders) {
  Elf64_Ehdr header{};
  std::memcpy(&header, good_.data(), sizeof header);
  const auto spoil = [&](std::size_t from, std::size_t to) {
    for (std::size_t at = from; at < to; ++at) {
      for (const char value : {'\0', '\x7f', '\xff'}) {
        std::string bytes = good_;
        bytes[at] = value;
        const auto note = read_bytes(bytes);
        EXPECT_TRUE(note || !note.error().text.empty());
      }
    }
  };
  spoil(0, sizeof header);
  spoil(note_at(0), note_at(sizeof(rst_elf_note)));
  const std::size_t names = header.e_shoff + header.e_shstrndx * sizeof(Elf64_Shdr);
  spoil(names, names + sizeof(Elf64_Shdr));
}

}  // namespace
}  // namespace ruststream::loader
