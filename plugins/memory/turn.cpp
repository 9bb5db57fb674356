#include "turn.hpp"

#include "broker.hpp"

#include <utility>

namespace ruststream::memory {

/// Nothing of the object may be touched once its calls are made; they leave in the order in which they were noted.
void Turn::leave_and_tell() {
  const bool wake = std::exchange(broker_.wake_needed_, false);
  const auto due_ns = broker_.announced_ns_;
  const auto calls = std::move(calls_);
  broker_.lock_.unlock();
  if (wake) broker_.wake_by_(due_ns);
  if (calls == nullptr) return;
  for (const auto& call : *calls) make(call);
}

void Turn::note(Call call) {
  if (calls_ == nullptr) calls_ = std::make_unique<std::vector<Call>>();
  calls_->push_back(call);
}

void Turn::event(sdk::Object& object, const rst_event& event) {
  if (object.try_pin()) note({&object, event});
}

void Turn::complete(sdk::Object& object, std::uint64_t op, std::uint64_t value, std::int32_t code, const char* text) {
  if (op != 0 && object.try_pin()) note({&object, Completion{op, value, code, text}});
}

void Turn::closed(sdk::Object& object, std::uint64_t dropped) { note({&object, Closed{dropped}}); }

void Turn::make(const Call& call) {
  if (const auto* closed = std::get_if<Closed>(&call.what); closed != nullptr) {
    call.object->closed(closed->dropped);
    return;
  }
  const auto& host = call.object->host();
  if (const auto* event = std::get_if<rst_event>(&call.what); event != nullptr) {
    host.send(*event);
  } else if (const auto& completion = std::get<Completion>(call.what); completion.code == RST_OK) {
    host.complete(completion.op, completion.value);
  } else {
    rst_error error;
    const auto flags = completion.code == RST_E_TIMEOUT ? RST_ERROR_RETRYABLE : 0U;
    sdk::fill_error(error, completion.code, flags, completion.text);
    host.fail(completion.op, error);
  }
  call.object->unpin();
}

}  // namespace ruststream::memory
