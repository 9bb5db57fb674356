// cnats as a whole: opened by the first instance, closed by the last.
#pragma once

namespace ruststream::nats {

/// While one lives the library is open. Its threads (timers, callbacks) block all signals (T2). Throws sdk::Failure.
class Library {
 public:
  Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library();
};

}  // namespace ruststream::nats
