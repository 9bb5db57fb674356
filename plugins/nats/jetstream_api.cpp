#include "jetstream_api.hpp"

#include "errors.hpp"
#include "jetstream_wire.hpp"
#include "link.hpp"

namespace ruststream::nats {
namespace {

Answered read(natsStatus status, natsMsg* reply, const std::string& about, const std::string& subject) {
  Answered read;
  switch (status) {
    case NATS_OK: break;
    case NATS_NO_RESPONDERS:
      read.error = make_error(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE, about,
                              ": the server has no JetStream for this account; enable it, or wait for its leader");
      return read;
    case NATS_NOT_PERMITTED:
      read.error = make_error(RST_E_DENIED, RST_ERROR_AUTH | RST_ERROR_USER, about,
                              ": this connection has no permission to publish to `", sdk::subject(subject), "`");
      return read;
    case NATS_TIMEOUT:
      read.error = make_error(RST_E_TIMEOUT, RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED, about,
                              ": JetStream did not answer in time");
      return read;
    default:
      read.away = true;
      read.error = make_error(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED, about,
                              ": the connection was lost");
      return read;
  }
  read.answer = read_answer({natsMsg_GetData(reply), static_cast<std::size_t>(natsMsg_GetDataLength(reply))});
  if (read.answer.ok()) return read;
  const auto fault = fault_of(read.answer.code, read.answer.error_code);
  read.error = make_error(fault.code, fault.flags, about, ": ", read.answer.error);
  read.error.native = read.answer.error_code;
  return read;
}

}  // namespace

void ask_api(Link& link, const std::string& what, std::string_view request, Time deadline, std::string about,
             std::function<void(const Answered&)> done) {
  const std::string subject = link.settings.js_prefix + '.' + what;
  link.replies.ask(subject, request, deadline,
                   [about = std::move(about), subject, done = std::move(done)](natsStatus status, natsMsg* reply) {
                     done(read(status, reply, about, subject));
                   });
}

}  // namespace ruststream::nats
