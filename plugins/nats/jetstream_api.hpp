// Questions to JetStream's API.
#pragma once

#include "jetstream_config.hpp"
#include "time.hpp"

#include <ruststream/abi/error.h>

#include <functional>
#include <string>
#include <string_view>

namespace ruststream::nats {

class Link;

/// An answer of the API, or why there is none.
struct Answered {
  ApiAnswer answer;
  rst_error error{};  // code 0: answered without an error
  bool away = false;  // the session ended: ask again with the next one

  [[nodiscard]] bool ok() const noexcept { return error.code == 0; }
  [[nodiscard]] bool not_found() const noexcept { return answer.code == 404; }
};

/// Asks `<prefix>.<what>`; `done` runs once on the I/O thread, later. The text of an error begins with `about`.
/// [I/O thread]
void ask_api(Link& link, const std::string& what, std::string_view request, Time deadline, std::string about,
             std::function<void(const Answered&)> done);

}  // namespace ruststream::nats
