#pragma once

#include "settings/settings.hpp"

#include <functional>
#include <string>

namespace ruststream::inline v0::settings {

/// `key = value   # source`, a line for each setting, sorted by key and aligned: what `check` prints.
///
/// A value is printed as `***` where `is_secret` says so (the plugin's option table knows). What a URL may hide is
/// never printed, whoever asks.
[[nodiscard]] std::string report(const Settings& settings, const std::function<bool(const Setting&)>& is_secret);

}  // namespace ruststream::inline v0::settings
