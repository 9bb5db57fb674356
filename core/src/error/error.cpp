#include <ruststream/error.hpp>

namespace ruststream {
inline namespace v0 {

const char* to_string(Code code) noexcept {
  switch (code) {
    case Code::invalid: return "invalid";
    case Code::option: return "option";
    case Code::unsupported: return "unsupported";
    case Code::state: return "state";
    case Code::not_found: return "not_found";
    case Code::exists: return "exists";
    case Code::precondition: return "precondition";
    case Code::unauthenticated: return "unauthenticated";
    case Code::denied: return "denied";
    case Code::unavailable: return "unavailable";
    case Code::timeout: return "timeout";
    case Code::cancelled: return "cancelled";
    case Code::backpressure: return "backpressure";
    case Code::too_large: return "too_large";
    case Code::corrupt: return "corrupt";
    case Code::no_route: return "no_route";
    case Code::exhausted: return "exhausted";
    case Code::aborted: return "aborted";
    case Code::settled: return "settled";
    case Code::stale: return "stale";
    case Code::closed: return "closed";
    case Code::internal: return "internal";
  }
  return "unknown";
}

}  // namespace v0
}  // namespace ruststream
