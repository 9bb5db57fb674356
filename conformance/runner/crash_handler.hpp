#pragma once

namespace conformance {

/// From here on a fatal signal of any thread is reported on the descriptor as one line of JSON (signal, thread, and
/// what of the host's lent memory was misused); then the process stands still until the parent, which takes the
/// backtrace, ends it. On a stack of its own, so that an overwritten one does not matter.
void install_crash_handler(int report);

}  // namespace conformance
