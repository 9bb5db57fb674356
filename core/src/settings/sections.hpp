#pragma once

#include "settings/settings.hpp"

#include <ruststream/error.hpp>

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::inline v0::settings {

/// One setting of one registration or broker: `kind`, `tls.ca`.
struct Option {
  std::string name;
  const Setting* setting = nullptr;  ///< the Settings owns it
};

/// What was set for each name, options sorted and each once. Every name has an entry, perhaps empty.
using Sections = std::map<std::string, std::vector<Option>, std::less<>>;

/// Gives every setting `section.NAME.OPTION` to the name it is for.
///
/// Names and options may both hold dots (`quakes.event.*`, `tls.ca`): the longest of `names` that fits wins. The empty
/// name takes what fits no other, so an app whose only broker has no name writes `broker.tls.ca`. A key from the
/// environment is matched by environment_name(). `section.NAME = value` sets `value_option`; when that is empty it is
/// an error. Every key that is for no name is refused, all in one Error, each with the nearest name.
[[nodiscard]] Result<Sections> assign(const Settings& settings, std::string_view section,
                                      std::span<const std::string> names, std::string_view value_option = {});

/// How a name is spelled inside an environment variable's key, in lower case: whatever is no letter or digit becomes an
/// underscore, several in a row one, none at the ends (`quakes.event.*` is `quakes_event`).
[[nodiscard]] std::string environment_name(std::string_view name);

}  // namespace ruststream::inline v0::settings
