// Rule H7 is about a process in which SIGPIPE kills, whatever this one was started with.
#include <csignal>

namespace {
const bool kDefault = ::signal(SIGPIPE, SIG_DFL) != SIG_ERR;  // before main, and so before the first load
}  // namespace
