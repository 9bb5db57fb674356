// The file itself, read without running it: its one symbol, its note, and what it would do to the process it is loaded
// into.
#include "cases/case.hpp"
#include "elf/library.hpp"

#include <dlfcn.h>
#include <filesystem>

namespace conformance {
namespace {

Library read(Test& t) {
  auto library = Library::read(t.plugin.path());
  t.expect(library.has_value(), "entry", "the file can be read to its end", library ? "" : library.error());
  return std::move(*library);
}

/// The first few, for a report.
std::string some(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 5;
  std::string all;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) all += (i == 0 ? "" : ", ") + names[i];
  return names.size() > kShown ? all + " and " + std::to_string(names.size() - kShown) + " more" : all;
}

/// A runtime that finds its own symbols in the program, where that is built with the same sanitizer.
bool of_sanitizer(std::string_view name) {
  for (const std::string_view prefix : {"__asan_", "__ubsan_", "__tsan_", "__lsan_", "__msan_", "__sanitizer_"}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

/// Where a needed library comes from by the file's own search paths; empty when it is the system's.
std::string private_copy(const std::string& path, const Library& library, const std::string& needed) {
  const std::string origin = std::filesystem::absolute(path).parent_path();
  for (std::string directory : library.search_paths) {
    for (const std::string_view place : {"$ORIGIN", "${ORIGIN}"}) {
      if (const auto at = directory.find(place); at != std::string::npos) directory.replace(at, place.size(), origin);
    }
    std::error_code none;
    if (std::filesystem::exists(directory + "/" + needed, none)) return directory;
  }
  return {};
}

constexpr Case kCases[] = {
    {.name = "entry.one-symbol",
     .rule = "entry",
     .says = "The file exports exactly one rst_ symbol, the entry, and nothing else.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           std::vector<std::string> entries, others;
           for (const Library::Symbol& each : read(t).exported) {
             (each.name.starts_with("rst_") ? entries : others).push_back(each.name);
           }
           t.expect(entries == std::vector<std::string>{RST_ENTRY_SYMBOL}, "entry",
                    "one exported rst_ symbol: " RST_ENTRY_SYMBOL, some(entries));
           if (!others.empty()) {
             t.warn("symbols besides the entry are exported and may be taken for another library's: " + some(others) +
                    "; hide them with a version script");
           }
         }},
    {.name = "entry.no-unique-symbols",
     .rule = "entry",
     .says = "No symbol is exported as GNU_UNIQUE: two plugins would share it, whatever they are built of.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           std::vector<std::string> unique;
           for (const Library::Symbol& each : read(t).exported) {
             if (each.unique) unique.push_back(each.name);
           }
           t.expect(unique.empty(), "entry", "no symbol of binding GNU_UNIQUE", some(unique));
         }},
    {.name = "entry.note",
     .rule = "entry",
     .says = "The note in the file says the same as the table: contract, runtime, name, version and schemes.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           const Library library = read(t);
           const rst_plugin& table = t.plugin.table();
           t.expect(library.note.has_value(), "entry", "the section " RST_NOTE_ELF_SECTION " holds a whole note",
                    "it has none that can be read; RST_PLUGIN_NOTE makes one");
           std::string schemes;
           for (std::uint32_t i = 0; i < table.scheme_count; ++i) {
             schemes += (i == 0 ? "" : ",") + std::string(view(table.schemes[i]));
           }
           const auto same = [&](const char* what, const std::string& noted, const std::string& declared) {
             t.expect(noted == declared, "entry", "the note has the table's " + std::string(what) + ": " + declared,
                      noted);
           };
           same("name", library.note->name, std::string(view(table.name)));
           same("version", library.note->version, std::string(view(table.version)));
           same("schemes", library.note->schemes, schemes);
           same("runtime", std::to_string(library.note->runtime), std::to_string(table.runtime));
           same("major", std::to_string(library.note->abi_major), std::to_string(table.abi_major));
           same("minor", std::to_string(library.note->abi_minor), std::to_string(table.abi_minor));
         }},
    {.name = "entry.no-text-relocations",
     .rule = "entry",
     .says = "The file has no text relocations and asks for no executable stack.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           const Library library = read(t);
           t.expect(!library.text_relocations, "entry", "no text relocations", "it has some; compile with -fPIC");
           t.expect(!library.executable_stack, "entry", "no executable stack",
                    "it asks for one; assemble with -Wa,--noexecstack");
         }},
    {.name = "entry.dependencies",
     .rule = "entry",
     .says = "Every symbol that the file needs is in the libraries that it names; none is the host's.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           const Library library = read(t);
           std::vector<std::string> missing;
           for (const Library::Symbol& each : library.undefined) {
             if (each.weak || of_sanitizer(each.name)) continue;
             ::dlerror();
             // Looks in the library and what it names, and not in the program.
             const void* const found = ::dlsym(t.plugin.library(), each.name.c_str());
             if (found == nullptr && ::dlerror() != nullptr) missing.push_back(each.name);
           }
           t.expect(missing.empty(), "entry", "its libraries (" + some(library.needed) + ") have all that it needs",
                    "they have not " + some(missing) + "; link with -Wl,-z,defs");
           for (const std::string& each : library.needed) {
             const std::string from = private_copy(t.plugin.path(), library, each);
             if (!from.empty()) {
               t.warn("its own copy of " + each + " in " + from +
                      " is not used when another plugin brought one of that name first; link it statically");
             }
           }
         }},
    {.name = "entry.little-static-tls",
     .rule = "entry",
     .says = "What is thread-local does not use up the little room that a process has for libraries loaded late.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           constexpr std::uint64_t kMost = 512;  // of some 1600 that all loaded libraries share
           const Library library = read(t);
           t.expect(!library.static_tls || library.tls_bytes <= kMost, "entry",
                    "at most " + std::to_string(kMost) + " bytes of static TLS", std::to_string(library.tls_bytes));
         }},
    {.name = "entry.binds-at-once",
     .rule = "entry",
     .says = "The file binds its symbols when it is loaded, so that a missing one is no crash later.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           if (!read(t).bind_now) t.warn("the file binds lazily; link it with -Wl,-z,now");
         }},
};

}  // namespace

std::span<const Case> entry_cases() { return kCases; }

}  // namespace conformance
