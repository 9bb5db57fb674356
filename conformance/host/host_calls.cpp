// What the plugin calls. Everything is judged as it comes; nothing here calls a verb (rule H2).
#include "host/host.hpp"
#include "host/meter.hpp"
#include "host/secrets.hpp"

#include <algorithm>

namespace conformance {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

}  // namespace

std::int32_t Host::deliver(rst_batch* batch) {
  if (takes_all) return takes_all(batch);
  if (batch == nullptr || !check_batch(*batch)) return -RST_E_STALE;
  std::vector<Message> messages;
  std::uint64_t id = batch->subscription;
  std::shared_ptr<std::atomic<bool>> closed;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = subscriptions_.find(id);
    if (found == subscriptions_.end()) {
      ledger.note("C3", "a batch carries the id of a subscription that the host named", "it carries " + number(id));
      return -RST_E_STALE;
    }
    if (const std::int32_t refused = book(found->second, *batch); refused != RST_DONE) return refused;
    closed = found->second.closed;
  }
  messages = copy(std::make_shared<Batch>(*batch, ledger, std::move(closed)), ledger);
  if (on_deliver) {
    const Meter meter;
    const std::int32_t answer = on_deliver(*batch, messages);
    Meter::excuse(meter.away());  // a thread that it waited for may have ended, and its work is not known then
    if (answer != RST_DONE) {
      messages.front().batch->stays_with_the_plugin();
      const std::scoped_lock lock(mutex_);
      unbook(subscriptions_.at(id), *batch);
      return answer;
    }
  }
  const std::scoped_lock lock(mutex_);
  Subscription& subscription = subscriptions_.at(id);
  for (Message& message : messages) subscription.arrived.push_back(std::move(message));
  ++news_;
  changed_.notify_all();
  return RST_DONE;
}

/// What a batch must be, whoever it is for (rule V1).
bool Host::check_batch(const rst_batch& batch) {
  const auto wrong = [&](std::string expected, std::string seen) {
    ledger.note("V1", std::move(expected), std::move(seen));
    return false;
  };
  if (batch.struct_size < sizeof(rst_batch))
    return wrong("rst_batch.struct_size of at least 128", number(batch.struct_size));
  if (batch.stride < sizeof(rst_message)) return wrong("rst_batch.stride of at least 64", number(batch.stride));
  if (batch.count == 0 || batch.messages == nullptr) return wrong("a batch has messages", "it is empty");
  if (batch.ops == nullptr || batch.ops->release == nullptr)
    return wrong("a batch has ops with release", "it has none");
  if (batch.host[0] != 0 || batch.host[1] != 0)
    return wrong("rst_batch.host is zero when it is delivered", "it is not");
  bool reserved = batch.reserved0 == 0;
  for (const std::uint64_t word : batch.reserved1) reserved = reserved && word == 0;
  if (!reserved) return wrong("reserved bytes of rst_batch are zero", "they are not");
  return true;
}

/// Debits what the batch costs, or says why it may not come. [locked]
std::int32_t Host::book(Subscription& subscription, const rst_batch& batch) {
  const std::string seen = "a batch of " + number(batch.count);
  if (subscription.gone) {
    ledger.note("F3", "nothing is delivered once the close of the subscription has completed", seen);
    return -RST_E_STALE;
  }
  subscription.early = subscription.early || !subscription.complete;
  if (subscription.drained) {
    ledger.note("F5", "nothing is delivered after DRAIN has completed, until new credit", seen);
    return -RST_E_EXHAUSTED;
  }
  if (subscription.messages < batch.count || subscription.bytes <= 0) {
    ledger.note("F1",
                "no more than the credit is delivered: " + std::to_string(subscription.messages) + " messages and " +
                    std::to_string(subscription.bytes) + " bytes are left",
                seen);
    return -RST_E_EXHAUSTED;
  }
  if (subscription.max_batch != 0 && batch.count > subscription.max_batch) {
    ledger.note("cap", "a batch has at most max_batch messages: " + number(subscription.max_batch), seen);
  }
  if (batch.generation < subscription.generation) {
    ledger.note("G2", "a generation never falls: it was " + number(subscription.generation), number(batch.generation));
  }
  subscription.generation = std::max(subscription.generation, batch.generation);
  check_messages(subscription, batch);
  subscription.messages -= batch.count;
  subscription.bytes -= static_cast<std::int64_t>(batch.bytes);
  subscription.delivered += batch.count;
  return RST_DONE;
}

/// The batch was refused: as if it had never come (rule M1). [locked]
void Host::unbook(Subscription& subscription, const rst_batch& batch) {
  subscription.messages += batch.count;
  subscription.bytes += static_cast<std::int64_t>(batch.bytes);
  subscription.delivered -= batch.count;
  for (std::uint32_t i = 0; i < batch.count; ++i) {
    subscription.tokens.erase(at_stride(batch.messages, batch.stride, i).token);
  }
}

/// Tokens and bytes. [locked]
void Host::check_messages(Subscription& subscription, const rst_batch& batch) {
  std::uint64_t bytes = 0;
  for (std::uint32_t i = 0; i < batch.count; ++i) {
    const rst_message& message = at_stride(batch.messages, batch.stride, i);
    bytes += message.payload_len + message.key_len;
    for (std::uint32_t h = 0; h < message.header_count; ++h) {
      bytes += message.headers[h].name_len + message.headers[h].value_len;
    }
    if (subscription.settles != (message.token != 0)) {
      ledger.note("S1", "a delivery carries a token exactly when its kind declares SETTLE",
                  "token " + number(message.token));
    } else if (message.token != 0 && !subscription.tokens.insert({message.token, true}).second) {
      ledger.note("S1", "a token names one unsettled delivery", "token " + number(message.token) + " was given twice");
    }
  }
  if (bytes != batch.bytes) {
    ledger.note("F1", "rst_batch.bytes counts payloads, keys and headers: " + number(bytes), number(batch.bytes));
  }
}

void Host::complete(const rst_completion& completion) {
  std::unique_lock lock(mutex_);
  const auto found = operations_.find(completion.op);
  if (found == operations_.end()) {
    ledger.note("C1", "a completion carries an op that the host started", "op " + number(completion.op));
    return;
  }
  Operation& operation = found->second;
  if (++operation.completions > 1) {
    ledger.note("C1", "exactly one completion for each operation", "a second one for " + operation.verb);
    return;
  }
  if (operation.returned && operation.returned != RST_PENDING) {
    ledger.note("C1", "no completion follows a " + operation.verb + " that did not return PENDING", "one came");
  }
  if (const auto owner = named_.find(operation.connection); owner != named_.end() && owner->second.gone) {
    ledger.note("L6", "all operations of a connection complete before its close does",
                operation.verb + " completed after it");
  }
  operation.result = {completion.status, completion.value, {}, ++completions_};
  if (completion.status < 0 && completion.error == nullptr) {
    ledger.note("C1", "a completion that failed says why",
                operation.verb + " failed with " + code_name(rst_status_code(completion.status)) + " and no error");
  } else if (completion.error != nullptr && completion.status < 0) {
    operation.result.text.assign(completion.error->text, completion.error->text_len);
    check_error("the completion of " + operation.verb, -rst_status_code(completion.status), *completion.error);
  }
  // Deliveries may follow from here on (rule C4): the case's thread would look too late.
  if (operation.subscription != 0) {
    Subscription& subscription = subscriptions_.at(operation.subscription);
    subscription.complete = true;
    if (subscription.early)
      ledger.note("C4", "the completion of subscribe comes before its first delivery", "a delivery came first");
  }
  over(completion.op, lock);
}

bool Host::known(std::uint64_t id, std::string_view what) {
  bool gone = false;
  if (const auto named = named_.find(id); named != named_.end()) {
    gone = named->second.gone;
  } else if (const auto subscription = subscriptions_.find(id); subscription != subscriptions_.end()) {
    gone = subscription->second.gone;
  } else {
    ledger.note("C3", std::string(what) + " carries an id that the host gave", number(id));
    return false;
  }
  if (gone) ledger.note("L6", std::string(what) + " carries no id of what is closed", number(id));
  return !gone;
}

void Host::event(const rst_event& event) {
  if (event.struct_size < sizeof(rst_event)) {
    ledger.note("V1", "rst_event.struct_size of at least 128", number(event.struct_size));
    return;
  }
  Event copy{event.kind, event.connection, event.subject, event.answer, event.value, event.deadline_ns, 0, {}, {}, {},
             {}};
  copy.text = std::string(view(event.text));
  if (event.error != nullptr) {
    copy.code = event.error->code;
    copy.text.assign(event.error->text, event.error->text_len);
  }
  for (std::uint32_t i = 0; i < event.partition_count; ++i) {
    copy.partitions.push_back(event.partitions[i]);
    copy.partition_names.emplace_back(view(event.partitions[i].name));
    copy.partitions.back().name = {};
  }
  copy.capabilities.assign(event.caps, event.caps + event.cap_count);
  check_secrets("an event", copy.text);
  const std::scoped_lock lock(mutex_);
  known(event.connection, "an event");
  if (event.subject != 0) known(event.subject, "an event");
  if (event.answer != 0) unanswered_.push_back(copy);
  events_.push_back(std::move(copy));
  ++news_;
  changed_.notify_all();
}

void Host::log(const rst_log& line) {
  check_secrets("a log line", view(line.text));
  check_secrets("a log line", view(line.target));
  const std::scoped_lock lock(mutex_);
  if (line.connection != 0) known(line.connection, "a log line");
  if (line.subject != 0) known(line.subject, "a log line");
  log_lines_.emplace_back(view(line.text));
}

void Host::check_error(std::string_view where, std::int32_t returned, const rst_error& error) {
  const std::string_view text(error.text, std::min<std::size_t>(error.text_len, sizeof error.text));
  check_secrets(where, text);
  if (error.code != -returned) {
    ledger.note("cap", "the code of an error is that of the verb: " + code_name(-returned),
                code_name(error.code) + " in " + std::string(where));
  } else if (text.empty()) {
    ledger.note("cap", "an error says what is wrong",
                code_name(error.code) + " without a text in " + std::string(where));
  } else if (std::size_t{error.subject_off} + error.subject_len > error.text_len) {
    ledger.note("V1", "the subject of an error lies within its text", "it ends behind it in " + std::string(where));
  }
}

void Host::check_secrets(std::string_view where, std::string_view text) {
  for (const std::string& secret : secrets) {
    for (const std::string& form : forms_of_secret(secret)) {
      if (text.find(form) != std::string_view::npos) {
        ledger.note("O2", "no secret is shown, raw, percent-encoded or in base64",
                    std::string(where) + " holds one: " + quoted(text));
      }
    }
  }
}

}  // namespace conformance
