// The file itself, read without running it: its one symbol, its note, and what it would do to the process it is loaded
// into.
#include "cases/case.hpp"
#include "elf/hygiene.hpp"

#include <dlfcn.h>

namespace conformance {
namespace {

Library read(Test& t) {
  auto library = Library::read(t.plugin.path());
  t.expect(library.has_value(), "entry", "the file can be read to its end", library ? "" : library.error());
  return std::move(*library);
}

/// A runtime that finds its own symbols in the program, where that is built with the same sanitizer.
bool of_sanitizer(std::string_view name) {
  for (const std::string_view prefix : {"__asan_", "__ubsan_", "__tsan_", "__lsan_", "__msan_", "__sanitizer_"}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

void judge(Test& t, const Findings& findings) {
  for (const Finding& each : findings) {
    if (each.warning) {
      t.warn(each.seen);
    } else {
      t.expect(false, "entry", each.expected, each.seen);
    }
  }
}

template <std::size_t Index>
constexpr Case case_of() {
  constexpr const FileCheck& kCheck = kFileChecks[Index];
  return {.name = kCheck.name, .rule = "entry", .says = kCheck.says, .per = Case::Per::plugin, .run = [](Test& t) {
            judge(t, kCheck.look(read(t), t.plugin.path()));
          }};
}

constexpr Case kCases[] = {
    case_of<0>(),
    case_of<1>(),
    case_of<2>(),
    case_of<3>(),
    case_of<4>(),
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
           t.expect(missing.empty(), "entry", "its libraries (" + some_of(library.needed) + ") have all that it needs",
                    "they have not " + some_of(missing) + "; link with -Wl,-z,defs");
           judge(t, look_at_private_copies(library, t.plugin.path()));
         }},
};

}  // namespace

std::span<const Case> entry_cases() { return kCases; }

}  // namespace conformance
