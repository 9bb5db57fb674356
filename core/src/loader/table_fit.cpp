#include "loader/table_fit.hpp"

#include "loader/listing.hpp"
#include "options/nearest.hpp"
#include "options/table.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::inline v0::loader {
namespace {

std::string joined(const std::vector<std::string>& items, std::string_view separator) {
  std::string text;
  for (const std::string& item : items) {
    if (!text.empty()) text += separator;
    text += item;
  }
  return text;
}

// The fields in which note and table disagree; a listing shows the note, so it must be true.
std::vector<std::string> disagreements(const rst_plugin& table, const Note& note) {
  std::vector<std::string> fields;
  std::vector<std::string> schemes = options::schemes_of(table);
  std::vector<std::string> noted = note.schemes;
  std::ranges::sort(schemes);
  std::ranges::sort(noted);
  if (note.abi_major != table.abi_major || note.abi_minor != table.abi_minor) fields.emplace_back("contract version");
  if (note.runtime != table.runtime) fields.emplace_back("runtime");
  if (note.name != options::view(table.name)) {
    fields.push_back("name (`" + note.name + "`, `" + options::printable(options::view(table.name)) + "`)");
  }
  if (note.version != options::view(table.version)) fields.emplace_back("version");
  if (noted != schemes) fields.push_back("schemes (" + joined(noted, ", ") + "; " + joined(schemes, ", ") + ")");
  return fields;
}

}  // namespace

Result<void> check_fit(const rst_plugin* table, const Note* note) {
  if (table == nullptr)
    return fail(Code::invalid, std::string(RST_ENTRY_SYMBOL) + " returned no table; ask its author");
  if (std::string why = why_incompatible(table->abi_major, table->abi_minor); !why.empty()) {
    return fail(Code::unsupported, std::move(why));
  }
  if (table->struct_size >= sizeof(rst_plugin) && table->min_host_minor > RST_ABI_MINOR) {
    return fail(Code::unsupported, "it needs a host with contract " + std::to_string(RST_ABI_MAJOR) + "." +
                                       std::to_string(table->min_host_minor) + " or later, this one has " +
                                       std::to_string(RST_ABI_MAJOR) + "." + std::to_string(RST_ABI_MINOR) +
                                       "; update libruststream");
  }
  if (const auto problems = options::check_table(*table); !problems.empty()) {
    return fail(Code::invalid, "its table is malformed: " + joined(problems, "; ") + ". Ask its author");
  }
  if (const auto missing = options::missing_verbs(*table); !missing.empty()) {
    return fail(Code::invalid, "its table lacks mandatory verbs: " + joined(missing, ", ") + ". Ask its author");
  }
  if (note != nullptr) {
    if (const auto fields = disagreements(*table, *note); !fields.empty()) {
      return fail(Code::corrupt, "its note and its table disagree: " + joined(fields, ", ") + ". Ask its author");
    }
  }
  return {};
}

}  // namespace ruststream::inline v0::loader
