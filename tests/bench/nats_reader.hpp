// How the raw loop and the plugin's read a payload: with the codec that the service uses, so that all three do the same
// work.
#pragma once

#include "nats.hpp"

#include <ruststream/ruststream.hpp>

namespace bench {

class Reader {
 public:
  explicit Reader(const Task& task) : json_(task.is("decode", "json")) {}

  /// The message's sequence number, out of its JSON or out of its place in the text.
  std::uint64_t sequence(std::string_view payload) {
    if (!json_) return Message::sequence(payload);
    Trade trade;
    ruststream::Error error;
    const ruststream::DecodeInput input{payload.data(), payload.size(), &arena_};
    if (!ruststream::json().decode(ruststream::type_table<Trade>(), input, &trade, error)) fail("payload", error.text);
    arena_.reset();
    return trade.id - Message::kFirst;
  }

 private:
  bool json_;
  ruststream::Arena arena_;
};

}  // namespace bench
