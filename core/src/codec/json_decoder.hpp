#pragma once
#include <ruststream/codec.hpp>

namespace ruststream::inline v0::codec {

/// Codec::decode for JSON.
[[nodiscard]] bool decode_json(const TypeTable& type, const DecodeInput& input, void* object, Error& error);

}  // namespace ruststream::inline v0::codec
