/// The contract between a host and a broker plugin: everything, in reading order.
///
/// A plugin is a library that exports one symbol, rst_plugin_v0, a pure function that returns a static table
/// (plugin.h). The host gives each instance a table of its own (host.h). Both name things by integers, never by
/// pointers, and no memory is freed by the side that did not allocate it. The rule ids (L5, M2, S1 ...) are those of
/// the conformance runner.
///
/// Growth: every struct begins with struct_size, lies in an array with a stride, or has a frozen size. Fields are only
/// appended; there is no implicit padding, reserved bytes are zero. Nothing is read beyond the peer's size or stride
/// (V3).
#ifndef RUSTSTREAM_ABI_H
#define RUSTSTREAM_ABI_H

#include "abi/basics.h"
#include "abi/batch.h"
#include "abi/completion.h"
#include "abi/error.h"
#include "abi/event.h"
#include "abi/ext/admin.h"
#include "abi/ext/match.h"
#include "abi/ext/request.h"
#include "abi/ext/seek.h"
#include "abi/ext/sim.h"
#include "abi/ext/stats.h"
#include "abi/ext/tx.h"
#include "abi/host.h"
#include "abi/kind.h"
#include "abi/log.h"
#include "abi/message.h"
#include "abi/note.h"
#include "abi/option.h"
#include "abi/option_names.h"
#include "abi/plan.h"
#include "abi/plugin.h"
#include "abi/position.h"
#include "abi/publish.h"
#include "abi/settle.h"
#include "abi/spec.h"

#endif
