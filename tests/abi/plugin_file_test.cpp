// What a host reads from a plugin's file without running it: the note, and the one exported symbol.
#include <ruststream/abi.h>

#include <gtest/gtest.h>

#include <cstring>
#include <elf.h>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

class File {
 public:
  explicit File(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    bytes_.assign(std::istreambuf_iterator<char>{in}, {});
    header_ = at<Elf64_Ehdr>(0);
  }

  template <typename T>
  T at(std::uint64_t offset) const {
    T value{};
    if (offset + sizeof value <= bytes_.size()) std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  std::string text(std::uint64_t offset, std::size_t length) const { return {bytes_.data() + offset, length}; }
  const char* string(std::uint64_t offset) const { return bytes_.data() + offset; }

  std::vector<Elf64_Shdr> sections() const {
    std::vector<Elf64_Shdr> all;
    all.reserve(header_.e_shnum);
    for (int index = 0; index < header_.e_shnum; ++index) {
      all.push_back(at<Elf64_Shdr>(header_.e_shoff + static_cast<unsigned>(index) * sizeof(Elf64_Shdr)));
    }
    return all;
  }
  Elf64_Shdr section(std::string_view name) const {
    const auto all = sections();
    for (const auto& each : all) {
      if (name == string(all[header_.e_shstrndx].sh_offset + each.sh_name)) return each;
    }
    return {};
  }
  std::vector<std::string> exports() const {
    const auto symbols = section(".dynsym");
    const auto strings = section(".dynstr");
    std::vector<std::string> names;
    for (std::uint64_t offset = 0; offset < symbols.sh_size; offset += sizeof(Elf64_Sym)) {
      const auto symbol = at<Elf64_Sym>(symbols.sh_offset + offset);
      if (symbol.st_shndx != SHN_UNDEF) names.emplace_back(string(strings.sh_offset + symbol.st_name));
    }
    return names;
  }

 private:
  std::vector<char> bytes_;
  Elf64_Ehdr header_{};
};

struct Case {
  const char* path;
  std::string_view name, version, schemes;
};

class PluginFile : public testing::TestWithParam<Case> {};

TEST_P(PluginFile, ExportsOneSymbol) {
  EXPECT_EQ(File{GetParam().path}.exports(), std::vector<std::string>{RST_ENTRY_SYMBOL});
}

TEST_P(PluginFile, NotesWhoItIsForTheLoaderToMap) {
  const File file{GetParam().path};
  const auto section = file.section(RST_NOTE_ELF_SECTION);
  EXPECT_EQ(section.sh_type, std::uint32_t{SHT_NOTE});
  EXPECT_NE(section.sh_flags & SHF_ALLOC, 0U);
  const auto elf = file.at<rst_elf_note>(section.sh_offset);
  EXPECT_EQ(std::string_view(elf.name), RST_NOTE_NAME);
  EXPECT_EQ(elf.name_size, sizeof RST_NOTE_NAME);
  EXPECT_EQ(elf.type, std::uint32_t{RST_NOTE_TYPE});
  const rst_note& note = elf.note;
  EXPECT_EQ(note.size, elf.desc_size);
  EXPECT_EQ(note.size % 4, 0U);
  EXPECT_EQ(note.abi_major, RST_ABI_MAJOR);
  EXPECT_EQ(note.abi_minor, RST_ABI_MINOR);
  EXPECT_EQ(note.runtime, std::uint32_t{RST_RUNTIME_NONE});
  const auto texts = std::uint64_t{note.name_len} + note.version_len + note.schemes_len;
  ASSERT_LE(sizeof note + texts, note.size);
  EXPECT_EQ(section.sh_size, offsetof(rst_elf_note, note) + note.size);
  const auto begin = section.sh_offset + sizeof elf;
  EXPECT_EQ(file.text(begin, note.name_len), GetParam().name);
  EXPECT_EQ(file.text(begin + note.name_len, note.version_len), GetParam().version);
  EXPECT_EQ(file.text(begin + note.name_len + note.version_len, note.schemes_len), GetParam().schemes);
  for (auto offset = texts; offset < note.size - sizeof note; ++offset) EXPECT_EQ(file.at<char>(begin + offset), '\0');
}

INSTANTIATE_TEST_SUITE_P(Languages, PluginFile,
                         testing::Values(Case{PLUGIN_IN_C, "test.in.c", "1.2", "abc,"},
                                         Case{PLUGIN_IN_CPP, "org.example.minimal", "0.1.0", "minimal"}));

}  // namespace
