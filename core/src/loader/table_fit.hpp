#pragma once

#include "loader/note.hpp"

#include <ruststream/abi.h>
#include <ruststream/error.hpp>

namespace ruststream::inline v0::loader {

/// Whether this host can use the table: its contract version, what it asks of a host, its own form, its mandatory
/// verbs, and that it is what the file's note said (null for a linked plugin, which has none). Calls nothing of the
/// plugin. The error has the reason and the remedy, without the plugin's name.
[[nodiscard]] Result<void> check_fit(const rst_plugin* table, const Note* note);

}  // namespace ruststream::inline v0::loader
