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
  calls_->push_back(std::move(call));
}

void Turn::event(sdk::Object& object, Told told) {
  if (object.try_pin()) note({&object, std::move(told)});
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
  if (const auto* told = std::get_if<Told>(&call.what); told != nullptr) {
    tell(host, *told);
  } else if (const auto& completion = std::get<Completion>(call.what); completion.code == RST_OK) {
    host.complete(completion.op, completion.value);
  } else {
    rst_error error;
    auto flags = completion.code == RST_E_TIMEOUT ? RST_ERROR_RETRYABLE : 0U;
    if (completion.code == RST_E_UNAVAILABLE) flags = RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED;
    sdk::fill_error(error, completion.code, flags, completion.text);
    host.fail(completion.op, error);
  }
  call.object->unpin();
}

void Turn::tell(const sdk::Host& host, const Told& told) {
  auto event = told.event;
  rst_error error;
  if (told.code != RST_OK) {
    sdk::fill_error(error, told.code, told.flags, told.why);
    event.error = &error;
  }
  std::vector<std::string> names;
  auto partitions = told.partitions;
  for (const auto& each : partitions) names.push_back(std::to_string(each.partition));
  for (std::size_t i = 0; i < partitions.size(); ++i) partitions[i].name = sdk::rst(names[i]);
  event.partitions = partitions.data();
  event.partition_count = static_cast<std::uint32_t>(partitions.size());
  event.caps = told.caps.data();
  event.cap_count = static_cast<std::uint32_t>(told.caps.size());
  event.text = sdk::rst(told.text);
  host.send(event);
}

}  // namespace ruststream::memory
