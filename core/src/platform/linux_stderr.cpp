#include "platform/stderr.hpp"

#include <climits>

#include <poll.h>
#include <unistd.h>

namespace ruststream::inline v0::platform {

static_assert(kMaxUnbroken <= PIPE_BUF);

bool write_stderr(std::string_view text) noexcept {
  pollfd standard_error{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (text.size() > kMaxUnbroken || poll(&standard_error, 1, 0) != 1 || (standard_error.revents & POLLOUT) == 0)
    return false;
  return write(STDERR_FILENO, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace ruststream::inline v0::platform
