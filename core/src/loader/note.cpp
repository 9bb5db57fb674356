#include "loader/note.hpp"

#include "options/utf8.hpp"

#include <ruststream/abi.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <elf.h>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

namespace ruststream::inline v0::loader {
namespace {

constexpr std::string_view kSection(RST_NOTE_ELF_SECTION, sizeof RST_NOTE_ELF_SECTION);  // with its NUL
constexpr std::string_view kOwner(RST_NOTE_NAME "\0", sizeof rst_elf_note::name);  // padded, as it lies in the file

#if defined(__x86_64__)
constexpr std::uint16_t kMachine = EM_X86_64;
constexpr const char* kMachineName = "x86-64";
#elif defined(__aarch64__)
constexpr std::uint16_t kMachine = EM_AARCH64;
constexpr const char* kMachineName = "AArch64";
#elif defined(__riscv)
constexpr std::uint16_t kMachine = EM_RISCV;
constexpr const char* kMachineName = "RISC-V";
#else
#error "name this machine's ELF number here"
#endif
static_assert(std::endian::native == std::endian::little, "the contract is little-endian");

template <class T>
bool read_struct(const platform::File& file, std::uint64_t offset, T& out) {
  return file.read_at(offset, std::as_writable_bytes(std::span(&out, 1)));
}

std::string machine_name(std::uint16_t machine) {
  switch (machine) {
    case EM_X86_64: return "x86-64";
    case EM_AARCH64: return "AArch64";
    case EM_386: return "x86 (32-bit)";
    case EM_ARM: return "ARM (32-bit)";
    case EM_RISCV: return "RISC-V";
    case EM_PPC64: return "PowerPC 64";
    case EM_S390: return "S/390";
    default: return "machine number " + std::to_string(machine);
  }
}

std::string wrong_header(const Elf64_Ehdr& header) {
  if (header.e_ident[EI_CLASS] != ELFCLASS64) return "it is a 32-bit library; build it for 64 bits";
  if (header.e_ident[EI_DATA] != ELFDATA2LSB) return "it is a big-endian library; build it for this machine";
  if (header.e_machine != kMachine) {
    return "it is built for " + machine_name(header.e_machine) + ", this machine is " + kMachineName;
  }
  if (header.e_type != ET_DYN) return "it is an ELF file, but no shared library";
  return {};
}

Result<Elf64_Ehdr> read_header(const platform::File& file, std::uint64_t size) {
  Elf64_Ehdr header{};
  if (size < SELFMAG) return fail(Code::corrupt, "it is no library: it has " + std::to_string(size) + " bytes");
  std::array<std::byte, SELFMAG> magic{};
  if (!file.read_at(0, magic)) return fail(Code::corrupt, "it cannot be read");
  if (std::memcmp(magic.data(), ELFMAG, SELFMAG) != 0) return fail(Code::corrupt, "it is no library (no ELF file)");
  if (!read_struct(file, 0, header)) return fail(Code::corrupt, "it is cut off within its ELF header");
  if (std::string why = wrong_header(header); !why.empty()) return fail(Code::unsupported, std::move(why));
  return header;
}

// All section headers, or nothing when the file does not hold what its header promises.
std::optional<std::vector<Elf64_Shdr>> read_sections(const platform::File& file, const Elf64_Ehdr& header) {
  if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum == 0 || header.e_shnum > kMaxSections ||
      header.e_shstrndx >= header.e_shnum) {
    return std::nullopt;
  }
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  if (!file.read_at(header.e_shoff, std::as_writable_bytes(std::span(sections)))) return std::nullopt;
  return sections;
}

bool is_named(const platform::File& file, const Elf64_Shdr& names, const Elf64_Shdr& section, std::string_view name) {
  std::array<char, kSection.size()> text{};
  if (names.sh_size < text.size() || section.sh_name > names.sh_size - text.size()) return false;
  std::uint64_t offset = 0;
  return !__builtin_add_overflow(names.sh_offset, section.sh_name, &offset) &&
         file.read_at(offset, std::as_writable_bytes(std::span(text))) &&
         std::string_view(text.data(), text.size()) == name;
}

bool is_label(std::string_view text) {
  return !text.empty() && options::is_utf8(text) &&
         std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7F; });
}

std::optional<std::vector<std::string>> split_schemes(std::string_view list) {
  std::vector<std::string> schemes;
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string_view scheme = list.substr(0, comma);
    if (!is_label(scheme) || schemes.size() == kMaxNoteSchemes) return std::nullopt;
    schemes.emplace_back(scheme);
    if (comma == std::string_view::npos) return schemes;
    list.remove_prefix(comma + 1);
  }
}

// A descriptor that a later draft made longer is read as far as it is known.
std::optional<Note> parse_texts(const rst_note& fixed, std::string_view texts) {
  const std::size_t name = fixed.name_len;
  const std::size_t version = fixed.version_len;
  if (name + version + fixed.schemes_len > texts.size()) return std::nullopt;
  Note note{.abi_major = fixed.abi_major,
            .abi_minor = fixed.abi_minor,
            .runtime = fixed.runtime,
            .name = std::string(texts.substr(0, name)),
            .version = std::string(texts.substr(name, version)),
            .schemes = {}};
  auto list = split_schemes(texts.substr(name + version, fixed.schemes_len));
  if (!is_label(note.name) || !is_label(note.version) || !list) return std::nullopt;
  note.schemes = std::move(*list);
  return note;
}

std::optional<Note> parse_section(std::string_view bytes) {
  rst_elf_note head{};
  if (bytes.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, bytes.data(), sizeof head);
  const std::string_view texts = bytes.substr(sizeof head);
  if (head.name_size != sizeof RST_NOTE_NAME || head.type != RST_NOTE_TYPE ||
      std::string_view(head.name, sizeof head.name) != kOwner) {
    return std::nullopt;
  }
  if (head.note.size < sizeof(rst_note) || head.note.size > head.desc_size ||
      head.desc_size - sizeof(rst_note) > texts.size()) {
    return std::nullopt;
  }
  return parse_texts(head.note, texts.substr(0, head.note.size - sizeof(rst_note)));
}

}  // namespace

std::string_view runtime_name(std::uint32_t runtime) noexcept {
  constexpr std::string_view kNames[] = {"none", "Go", "JVM", "CLR", "Python"};
  return runtime < std::size(kNames) ? kNames[runtime] : "unknown";
}

Result<Note> read_note(const platform::File& file) {
  const auto status = file.status();
  if (!status) return std::unexpected(status.error());
  const auto header = read_header(file, status->size);
  if (!header) return std::unexpected(header.error());
  const auto sections = read_sections(file, *header);
  if (!sections) return fail(Code::corrupt, "it is cut off or damaged: its section headers cannot be read");
  const Elf64_Shdr& names = (*sections)[header->e_shstrndx];
  const auto found = std::ranges::find_if(
      *sections, [&](const Elf64_Shdr& section) { return is_named(file, names, section, kSection); });
  if (found == sections->end()) {
    return fail(Code::unsupported, "it is a library, but no plugin: it has no note .note.ruststream");
  }
  if (found->sh_type == SHT_NOBITS || found->sh_size > kMaxNote) {
    return fail(Code::corrupt, "its note .note.ruststream is damaged");
  }
  std::string bytes(found->sh_size, '\0');
  if (!file.read_at(found->sh_offset, std::as_writable_bytes(std::span(bytes)))) {
    return fail(Code::corrupt, "it is cut off within its note .note.ruststream");
  }
  auto note = parse_section(bytes);
  if (!note) return fail(Code::corrupt, "its note .note.ruststream is damaged");
  return std::move(*note);
}

}  // namespace ruststream::inline v0::loader
