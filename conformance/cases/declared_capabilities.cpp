// What each kind declares that it can: well-formed, and at one with the rest of the table.
#include "cases/case.hpp"

#include <set>

namespace conformance {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

/// Declared only together with another one.
struct Implies {
  std::uint32_t id, needs;
};
constexpr Implies kImplied[] = {
    {RST_CAP_SETTLE_CONFIRM, RST_CAP_SETTLE}, {RST_CAP_RETRY, RST_CAP_SETTLE},   {RST_CAP_RETRY_AFTER, RST_CAP_RETRY},
    {RST_CAP_RETRY_POSITION, RST_CAP_RETRY},  {RST_CAP_RELEASE, RST_CAP_SETTLE}, {RST_CAP_REJECT, RST_CAP_SETTLE},
    {RST_CAP_REJECT_TO, RST_CAP_REJECT},      {RST_CAP_EXTEND, RST_CAP_SETTLE},  {RST_CAP_TX_SETTLE, RST_CAP_SETTLE},
};

/// Declared only with an extension, and the extension only with it.
struct ByExtension {
  std::uint32_t id;
  std::string_view extension;
};
constexpr ByExtension kExtensions[] = {
    {RST_CAP_TX_PUBLISH, RST_EXT_TX},   {RST_CAP_TX_SETTLE, RST_EXT_TX}, {RST_CAP_SEEK, RST_EXT_SEEK},
    {RST_CAP_REQUEST, RST_EXT_REQUEST}, {RST_CAP_MATCH, RST_EXT_MATCH},
};

/// What is wrong with a limit; empty when nothing is.
std::string against_limit(const rst_capability& of) {
  constexpr std::uint64_t kHeaders = 0xFF, kPayloads = 0xF;
  const auto within = [&](std::uint64_t least, std::uint64_t most, const char* what) {
    return of.limit < least || of.limit > most ? std::string(what) : std::string();
  };
  switch (of.id) {
    case RST_CAP_RETRY_POSITION: return within(0, RST_RETRY_BACK, "one of RST_RETRY_");
    case RST_CAP_OVERFLOW: return within(RST_OVERFLOW_BLOCK, RST_OVERFLOW_DROP, "one of RST_OVERFLOW_");
    case RST_CAP_HEADERS: return within(0, kHeaders, "bits of RST_HEADERS_");
    case RST_CAP_PAYLOAD:
      if ((of.limit & RST_PAYLOAD_BYTES) != 0 && (of.limit & RST_PAYLOAD_TEXT_ONLY) != 0)
        return "not both BYTES and TEXT_ONLY";
      return within(0, kPayloads, "bits of RST_PAYLOAD_");
    case RST_CAP_BATCH:
    case RST_CAP_MAX_HEADERS: return within(1, UINT32_MAX, "a count, not 0");
    case RST_CAP_MAX_PAYLOAD: return within(1, UINT64_MAX, "bytes, not 0");
    case RST_CAP_PRIORITY: return within(1, INT32_MAX, "the highest priority, not 0");
    case RST_CAP_DEDUPLICATE: return within(1, UINT64_MAX, "nanoseconds, not 0");
    case RST_CAP_PARTITIONS: return within(0, UINT32_MAX, "a count");
    default: return {};
  }
}

constexpr Case kCases[] = {
    {.name = "table.capabilities",
     .rule = "entry",
     .says = "Each capability is declared once for a kind, with a level, flags and a limit that mean something.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           constexpr std::uint16_t kFlags =
               RST_CAP_CONDITIONAL | RST_CAP_COUNTED | RST_CAP_SHARED | RST_CAP_LOSES_ORDER;
           for (const Kind& kind : t.plugin.kinds()) {
             std::set<std::uint32_t> seen;
             for (const rst_capability& each : kind.capabilities) {
               const std::string what = kind.name + ": " + capability_name(each.id);
               t.expect(each.id != 0 && seen.insert(each.id).second, "entry", what + " is declared once",
                        "it is twice");
               t.expect(each.level <= RST_LEVEL_NATIVE, "entry", what + " has a level that is defined",
                        number(each.level));
               t.expect((each.flags & ~kFlags) == 0, "entry", what + " has flags that are defined", number(each.flags));
               const std::string wanted = each.level == RST_LEVEL_NONE ? "" : against_limit(each);
               t.expect(wanted.empty(), "entry", what + " has a limit: " + wanted, number(each.limit));
             }
           }
         }},
    {.name = "table.capabilities-agree",
     .rule = "cap",
     .says = "A capability is declared only with what it cannot be without: another one, or an extension.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           for (const Kind& kind : t.plugin.kinds()) {
             for (const Implies& each : kImplied) {
               t.expect(!kind.can(each.id) || kind.can(each.needs), "cap",
                        kind.name + ": " + capability_name(each.id) + " with " + capability_name(each.needs),
                        "without it");
             }
             for (const ByExtension& each : kExtensions) {
               t.expect(!kind.can(each.id) || t.plugin.extension<void>(each.extension) != nullptr, "cap",
                        kind.name + ": " + capability_name(each.id) + " with " + std::string(each.extension),
                        "the plugin has no such extension");
             }
             t.expect((kind.roles & RST_ROLE_ADMIN) == 0 || t.plugin.extension<void>(RST_EXT_ADMIN) != nullptr, "cap",
                      kind.name + ": the role ADMIN with " RST_EXT_ADMIN, "the plugin has no such extension");
           }
           for (const ByExtension& each : kExtensions) {
             const bool declared = std::ranges::any_of(t.plugin.kinds(), [&](const Kind& kind) {
               return std::ranges::any_of(kExtensions, [&](const ByExtension& other) {
                 return other.extension == each.extension && kind.can(other.id);
               });
             });
             if (!declared && t.plugin.extension<void>(each.extension) != nullptr)
               t.warn(std::string(each.extension) + " is there, and no kind declares " + capability_name(each.id));
           }
         }},
};

}  // namespace

std::span<const Case> declared_capability_cases() { return kCases; }

}  // namespace conformance
