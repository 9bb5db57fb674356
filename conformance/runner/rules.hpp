#pragma once
#include <string_view>

namespace conformance {

/// The text of a rule by its id, as the contract states it; empty when there is no such rule. Besides the ids of the
/// contract: "entry", what it says about a plugin's file and its one symbol; "cap", what a declared capability or an
/// ordinary verb promises.
[[nodiscard]] std::string_view rule_text(std::string_view id);

}  // namespace conformance
