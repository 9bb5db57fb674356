#include "elf/library.hpp"

#include <ruststream/abi/note.h>

#include <cstring>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <memory>
#include <string_view>
#include <unistd.h>

namespace conformance {
namespace {

struct File {
  explicit File(const std::string& path) : number(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() { ::close(number); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int number;
};

std::string text_at(Elf* elf, std::size_t section, std::size_t offset) {
  const char* const text = ::elf_strptr(elf, section, offset);
  return text == nullptr ? std::string() : std::string(text);
}

/// Sections before segments are searched for the dynamic symbols: every linker that makes shared libraries writes them.
void read_symbols(Elf* elf, Elf_Scn* section, const GElf_Shdr& header, Library& into) {
  const Elf_Data* const data = ::elf_getdata(section, nullptr);
  const std::size_t count = data == nullptr || header.sh_entsize == 0 ? 0 : header.sh_size / header.sh_entsize;
  for (std::size_t i = 1; i < count; ++i) {
    GElf_Sym symbol{};
    if (::gelf_getsym(const_cast<Elf_Data*>(data), static_cast<int>(i), &symbol) == nullptr) continue;
    const int bind = GELF_ST_BIND(symbol.st_info);
    const int seen = GELF_ST_VISIBILITY(symbol.st_other);
    if (bind == STB_LOCAL || seen == STV_HIDDEN || seen == STV_INTERNAL) continue;
    Library::Symbol made{text_at(elf, header.sh_link, symbol.st_name), bind == STB_WEAK, bind == STB_GNU_UNIQUE,
                         GELF_ST_TYPE(symbol.st_info) == STT_FUNC};
    if (made.name.empty()) continue;
    if (symbol.st_shndx == SHN_UNDEF) {
      into.undefined.push_back(std::move(made));
    } else if (symbol.st_shndx != SHN_ABS || symbol.st_value != 0) {  // else the name of a version
      into.exported.push_back(std::move(made));
    }
  }
}

void add_paths(std::string_view list, std::vector<std::string>& into) {
  while (!list.empty()) {
    const std::string_view one = list.substr(0, list.find(':'));
    if (!one.empty()) into.emplace_back(one);
    list.remove_prefix(std::min(list.size(), one.size() + 1));
  }
}

void read_dynamic(Elf* elf, Elf_Scn* section, const GElf_Shdr& header, Library& into) {
  Elf_Data* const data = ::elf_getdata(section, nullptr);
  const std::size_t count = data == nullptr || header.sh_entsize == 0 ? 0 : header.sh_size / header.sh_entsize;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Dyn entry{};
    if (::gelf_getdyn(data, static_cast<int>(i), &entry) == nullptr || entry.d_tag == DT_NULL) break;
    switch (entry.d_tag) {
      case DT_NEEDED: into.needed.push_back(text_at(elf, header.sh_link, entry.d_un.d_val)); break;
      case DT_RPATH:
      case DT_RUNPATH: add_paths(text_at(elf, header.sh_link, entry.d_un.d_val), into.search_paths); break;
      case DT_TEXTREL: into.text_relocations = true; break;
      case DT_BIND_NOW: into.bind_now = true; break;
      case DT_FLAGS:
        into.text_relocations = into.text_relocations || (entry.d_un.d_val & DF_TEXTREL) != 0;
        into.bind_now = into.bind_now || (entry.d_un.d_val & DF_BIND_NOW) != 0;
        into.static_tls = into.static_tls || (entry.d_un.d_val & DF_STATIC_TLS) != 0;
        break;
      case DT_FLAGS_1: into.bind_now = into.bind_now || (entry.d_un.d_val & DF_1_NOW) != 0; break;
      default: break;
    }
  }
}

std::optional<Library::Note> parse(std::string_view descriptor) {
  rst_note fixed{};
  if (descriptor.size() < sizeof fixed) return std::nullopt;
  std::memcpy(&fixed, descriptor.data(), sizeof fixed);
  const std::size_t texts = std::size_t{fixed.name_len} + fixed.version_len + fixed.schemes_len;
  if (fixed.size > descriptor.size() || fixed.size < sizeof fixed + texts || fixed.size - sizeof fixed - texts > 4)
    return std::nullopt;
  const std::string_view text = descriptor.substr(sizeof fixed, texts);
  return Library::Note{fixed.abi_major,
                       fixed.abi_minor,
                       fixed.runtime,
                       std::string(text.substr(0, fixed.name_len)),
                       std::string(text.substr(fixed.name_len, fixed.version_len)),
                       std::string(text.substr(std::size_t{fixed.name_len} + fixed.version_len))};
}

void read_notes(Elf_Scn* section, Library& into) {
  Elf_Data* const data = ::elf_getdata(section, nullptr);
  if (data == nullptr) return;
  GElf_Nhdr header{};
  std::size_t name = 0, descriptor = 0;
  for (std::size_t at = 0; (at = ::gelf_getnote(data, at, &header, &name, &descriptor)) != 0;) {
    const auto* const bytes = static_cast<const char*>(data->d_buf);
    const std::string_view owner(bytes + name, header.n_namesz == 0 ? 0 : header.n_namesz - 1);
    if (owner != RST_NOTE_NAME || header.n_type != RST_NOTE_TYPE) continue;
    into.note = parse({bytes + descriptor, header.n_descsz});
  }
}

void read_segments(Elf* elf, Library& into) {
  std::size_t count = 0;
  if (::elf_getphdrnum(elf, &count) != 0) return;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr segment{};
    if (::gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr) continue;
    if (segment.p_type == PT_TLS) into.tls_bytes = segment.p_memsz;
    if (segment.p_type == PT_GNU_STACK) into.executable_stack = (segment.p_flags & PF_X) != 0;
  }
}

}  // namespace

std::expected<Library, std::string> Library::read(const std::string& path) {
  const auto failed = [](const char* what) {
    const char* const why = ::elf_errmsg(-1);
    return std::unexpected(std::string(what) + (why != nullptr ? std::string(": ") + why : ""));
  };
  ::elf_version(EV_CURRENT);
  const File file(path);
  const std::unique_ptr<Elf, int (*)(Elf*)> elf(::elf_begin(file.number, ELF_C_READ, nullptr), &::elf_end);
  if (elf == nullptr || ::elf_kind(elf.get()) != ELF_K_ELF) return failed("it cannot be read as an ELF file");
  Library library;
  read_segments(elf.get(), library);
  std::size_t names = 0;
  if (::elf_getshdrstrndx(elf.get(), &names) != 0) return failed("its sections cannot be read");
  bool dynamic = false;
  for (Elf_Scn* section = ::elf_nextscn(elf.get(), nullptr); section != nullptr;
       section = ::elf_nextscn(elf.get(), section)) {
    GElf_Shdr header{};
    if (::gelf_getshdr(section, &header) == nullptr) return failed("a section of it cannot be read");
    if (header.sh_type == SHT_DYNSYM) read_symbols(elf.get(), section, header, library);
    if (header.sh_type == SHT_DYNAMIC) {
      dynamic = true;
      read_dynamic(elf.get(), section, header, library);
    }
    if (text_at(elf.get(), names, header.sh_name) == RST_NOTE_ELF_SECTION) read_notes(section, library);
  }
  if (!dynamic) return std::unexpected(std::string("it has no dynamic section; link it with -shared"));
  return library;
}

}  // namespace conformance
