#include "verify.hpp"

#include "elf/hygiene.hpp"
#include "loader/listing.hpp"
#include "text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace ruststream::cli {
namespace {

using json = nlohmann::ordered_json;

struct Verified {
  std::string file;
  loader::Note note;
  std::string refusal;  // why nothing was checked
  bool absent = false;
  std::vector<conformance::Findings> found;  // one for each check

  [[nodiscard]] Exit exit(bool strict) const {
    if (!refusal.empty()) return absent ? kNotDone : kFault;
    const auto counts = [&](const conformance::Finding& each) { return strict || !each.warning; };
    const auto fails = [&](const conformance::Findings& each) { return std::ranges::any_of(each, counts); };
    return std::ranges::any_of(found, fails) ? kFault : kDone;
  }
};

Verified look_at(const std::string& file) {
  const loader::Candidate candidate = loader::examine(file, loader::Origin::named);
  Verified made{.file = file, .note = candidate.note, .refusal = candidate.refusal, .found = {}};
  made.absent = candidate.code == Code::not_found && !candidate.refusal.empty();
  if (!made.refusal.empty()) return made;
  const auto library = conformance::Library::read(file);
  if (!library) {
    made.refusal = library.error();
    return made;
  }
  for (const conformance::FileCheck& each : conformance::kFileChecks) made.found.push_back(each.look(*library, file));
  return made;
}

const char* verdict_of(const conformance::Findings& found) {
  if (found.empty()) return "pass";
  return std::ranges::all_of(found, &conformance::Finding::warning) ? "warn" : "fail";
}

std::string text_of(const Verified& file) {
  if (!file.refusal.empty()) return shown(file.file) + ": refused: " + file.refusal + "\n";
  std::string text = shown(file.file) + ": " + file.note.name + " " + file.note.version + ", contract " +
                     loader::contract_name(file.note.abi_major, file.note.abi_minor) + "\n";
  for (std::size_t i = 0; i < file.found.size(); ++i) {
    const conformance::FileCheck& check = conformance::kFileChecks.at(i);
    text += std::string("  ") + verdict_of(file.found[i]) + "  " + std::string(check.name) + "\n";
    for (const conformance::Finding& each : file.found[i]) {
      text += "        " + (each.warning ? "" : "expected " + each.expected + ", seen: ") + shown(each.seen) + "\n";
    }
  }
  return text;
}

json json_of(const Verified& file, bool strict) {
  json made{{"file", file.file}};
  if (!file.note.name.empty()) made.update({{"name", file.note.name}, {"version", file.note.version}});
  made["failed"] = file.exit(strict) != kDone;
  if (!file.refusal.empty()) made["refusal"] = file.refusal;
  made["checks"] = json::array();
  for (std::size_t i = 0; i < file.found.size(); ++i) {
    const conformance::FileCheck& check = conformance::kFileChecks.at(i);
    json one{{"check", check.name}, {"says", check.says}, {"verdict", verdict_of(file.found[i])}};
    for (const conformance::Finding& each : file.found[i]) {
      json finding{{"seen", each.seen}};
      if (!each.warning) finding["expected"] = each.expected;
      one["findings"].push_back(std::move(finding));
    }
    made["checks"].push_back(std::move(one));
  }
  return made;
}

}  // namespace

Exit verify(const CommandLine& line) {
  json documents = json::array();
  std::string text;
  Exit exit = kDone;
  for (const std::string& each : line.files) {
    const Verified file = look_at(each);
    exit = std::max(exit, file.exit(line.strict));
    if (line.json) {
      documents.push_back(json_of(file, line.strict));
    } else {
      text += text_of(file);
    }
  }
  return std::max(exit, print(line.json ? dumped(documents) : text));
}

}  // namespace ruststream::cli
