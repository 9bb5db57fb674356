// Rule H7 is about a process in which SIGPIPE kills, whatever this one was started with.
#include <csignal>

namespace {
const bool g_default = ::signal(SIGPIPE, SIG_DFL) != SIG_ERR;  // before main, and so before the first load
}  // namespace
