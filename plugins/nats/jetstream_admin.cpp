#include "jetstream_admin.hpp"

#include "declarations.hpp"
#include "errors.hpp"
#include "jetstream_consumer.hpp"
#include "link.hpp"

#include <algorithm>

namespace ruststream::nats {
namespace {

consteval std::size_t index(std::string_view name) { return sdk::index_of(kOptionTable, name); }

constexpr const char* kForStreams[] = {"max_messages",     "subjects",  "storage",         "retention",
                                       "discard",          "max_bytes", "max_age",         "max_messages_per_subject",
                                       "max_message_size", "replicas",  "duplicate_window"};
constexpr const char* kForConsumers[] = {"deliver", "start_sequence", "start_time",        "ack_wait",
                                         "backoff", "max_deliver",    "max_in_flight",     "inactive_threshold",
                                         "replay",  "headers_only",   "consumer_replicas", "consumer_memory",
                                         "filter"};

/// One request on its way: from the verb to the I/O thread, through one question or several, to the completion.
struct Administration {
  std::uint64_t op = 0, action = 0;
  std::string name, parent;
  StreamConfig stream;
  ConsumerConfig consumer;
  bool updates = false;
  const rst_report* report = nullptr;  // the host's, until the completion
  Time deadline;

  [[nodiscard]] bool of_consumer() const noexcept { return !parent.empty(); }
  [[nodiscard]] std::string about() const {
    return (of_consumer() ? "consumer `" + name + "` of stream `" + parent : "stream `" + name) + '`';
  }
};
using Pending = std::shared_ptr<Administration>;

template <std::size_t N>
bool refuses(const char* const (&names)[N], const rst_admin_request& request, std::string_view why,
             sdk::ErrorOut error) {
  for (const rst_option& option : std::span{request.options, request.option_count}) {
    if (std::ranges::find(names, sdk::view(option.name)) == std::end(names)) continue;
    (void)error(RST_E_OPTION, "option `", sdk::subject(sdk::view(option.name)), "` ", why);
    return true;
  }
  return false;
}

void read(const sdk::Options& options, StreamConfig& into) {
  for (const rst_value& each : options[index("subjects")].items())
    into.subjects.emplace_back(static_cast<const char*>(each.as.ptr), each.len);
  into.storage = options[index("storage")].text();
  into.retention = options[index("retention")].text();
  into.discard = options[index("discard")].text();
  into.max_messages = options[index("max_messages")].u64();
  into.max_bytes = options[index("max_bytes")].bytes();
  into.max_age_ns = options[index("max_age")].nanoseconds();
  into.max_messages_per_subject = options[index("max_messages_per_subject")].u64();
  into.max_message_bytes = options[index("max_message_size")].bytes();
  into.replicas = options[index("replicas")].u64();
  into.duplicate_window_ns = options[index("duplicate_window")].nanoseconds();
}

std::int32_t read(const sdk::Options& options, ConsumerConfig& into, sdk::ErrorOut error) {
  into.durable = true;
  for (const rst_value& each : options[index("filter")].items())
    into.filters.emplace_back(static_cast<const char*>(each.as.ptr), each.len);
  read_delivery(options, into);
  if (options[index("start_time")].given() && !into.start_time_ns) {
    return error(RST_E_OPTION, "option `", sdk::subject("start_time"), "` is not a time as 2026-01-31T12:00:00Z");
  }
  read_settling(options, into);
  into.inactive_ns = options[index("inactive_threshold")].nanoseconds();
  return RST_DONE;
}

void end(Link& link, const Pending& of, const Answered& answered, std::uint64_t value = 0) {
  if (answered.ok()) return link.owner.host().complete(of->op, value);
  link.owner.host().fail(of->op, answered.error);
}

/// What was made is what was wanted, or the server dropped a setting that it does not know.
void end_made(Link& link, const Pending& of, const nlohmann::json& wanted, const Answered& answered) {
  Answered seen = answered;
  if (seen.ok()) {
    if (const auto lost = difference(wanted, object_in(seen.answer.body, "config"))) {
      seen.error = make_error(RST_E_PRECONDITION, RST_ERROR_USER, of->about(), ": the server does not keep ", *lost);
    }
  }
  end(link, of, seen);
}

void create_stream(Link& link, const Pending& of) {
  const auto make = [&link, of](const char* verb) {
    ask_api(link, std::string(verb) + of->name, written(of->stream.json()), of->deadline, of->about(),
            [&link, of](const Answered& answered) { end_made(link, of, of->stream.json(), answered); });
  };
  if (!of->updates) return make("STREAM.CREATE.");
  ask_api(link, "STREAM.INFO." + of->name, "", of->deadline, of->about(), [&link, of, make](const Answered& answered) {
    if (!answered.ok() && !answered.not_found()) return end(link, of, answered);
    make(answered.ok() ? "STREAM.UPDATE." : "STREAM.CREATE.");
  });
}

/// A server before 2.10 changes a consumer that is there: so it is looked for first.
void create_consumer(Link& link, const Pending& of) {
  ask_api(link, "CONSUMER.INFO." + of->parent + '.' + of->name, "", of->deadline, of->about(),
          [&link, of](const Answered& answered) {
            const auto wanted = of->consumer.json();
            if (answered.ok() && !of->updates) {
              Answered seen = answered;
              if (const auto other = difference(wanted, object_in(answered.answer.body, "config"))) {
                seen.error =
                    make_error(RST_E_EXISTS, RST_ERROR_USER, of->about(), " is there with other settings: ", *other);
              }
              return end(link, of, seen);
            }
            const bool missing = answered.not_found() && answered.error.native == 10014;
            if (!answered.ok() && !missing) return end(link, of, answered);
            ask_api(link, of->consumer.create_subject("").substr(1), of->consumer.create_request(!of->updates),
                    of->deadline, of->about(),
                    [&link, of, wanted](const Answered& made) { end_made(link, of, wanted, made); });
          });
}

void describe(Link& link, const Pending& of) {
  const bool lists = of->name.empty();
  std::string what = of->of_consumer()
                         ? (lists ? "CONSUMER.NAMES." + of->parent : "CONSUMER.INFO." + of->parent + '.' + of->name)
                         : (lists ? "STREAM.NAMES" : "STREAM.INFO." + of->name);
  ask_api(link, what, "", of->deadline, of->about(), [&link, of](const Answered& answered) {
    if (answered.ok() && of->report != nullptr && of->report->text != nullptr) {
      auto body = answered.answer.body;
      body.erase("type");
      const auto text = written(body);
      of->report->text(of->report->ctx, RST_TEXT_DESCRIPTION_JSON, sdk::rst(text));
    }
    end(link, of, answered);
  });
}

void perform(Link& link, const Pending& of) {
  const std::string place = of->of_consumer() ? of->parent + '.' + of->name : of->name;
  switch (of->action) {
    case RST_ADMIN_CREATE: return of->of_consumer() ? create_consumer(link, of) : create_stream(link, of);
    case RST_ADMIN_DELETE:
      return ask_api(link, (of->of_consumer() ? "CONSUMER.DELETE." : "STREAM.DELETE.") + place, "", of->deadline,
                     of->about(), [&link, of](const Answered& answered) { end(link, of, answered); });
    case RST_ADMIN_PURGE:
      return ask_api(link, "STREAM.PURGE." + place, "", of->deadline, of->about(),
                     [&link, of](const Answered& answered) {
                       end(link, of, answered, answered.ok() ? number_in(answered.answer.body, "purged") : 0);
                     });
    default: return describe(link, of);
  }
}

}  // namespace

std::int32_t administer(Link& link, const rst_admin_request& request, sdk::ErrorOut error) {
  auto of = std::make_shared<Administration>();
  of->op = request.op;
  of->action = request.action;
  of->name = sdk::view(request.name);
  of->parent = sdk::view(request.parent);
  of->report = request.report;
  of->deadline = after(request.timeout_ns, link.settings.op_timeout);
  const bool lists = request.action == RST_ADMIN_DESCRIBE && of->name.empty();
  for (const std::string* name : {&of->name, &of->parent}) {
    if (is_stream_name(*name) || (name->empty() && (lists || name == &of->parent))) continue;
    return error(
        RST_E_INVALID, name == &of->name ? "name `" : "parent `", sdk::subject(*name),
        "` is empty, has spaces, dots, wildcards or slashes, or over 200 bytes; streams and consumers must not");
  }
  if (of->of_consumer() && request.action == RST_ADMIN_PURGE) {
    return error(RST_E_UNSUPPORTED, "a consumer cannot be purged, only its stream");
  }
  if (of->of_consumer() ? refuses(kForStreams, request, "is one of streams, and a parent names a consumer", error)
                        : refuses(kForConsumers, request, "is one of consumers; name their stream as parent", error)) {
    return -RST_E_OPTION;
  }
  const sdk::Options options{kOptionTable, request.options, request.option_count};
  of->updates = options[index("update")].boolean();
  of->stream.name = of->name;
  of->consumer.name = of->name;
  of->consumer.stream = of->parent;
  read(options, of->stream);
  if (const auto refused = read(options, of->consumer, error); refused != RST_DONE) return refused;
  link.io.post(link.owner.id(), [of](Link& self) { perform(self, of); });
  return RST_PENDING;
}

}  // namespace ruststream::nats
