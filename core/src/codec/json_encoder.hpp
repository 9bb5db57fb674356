#pragma once
#include <ruststream/codec.hpp>

namespace ruststream::inline v0::codec {

/// Codec::encode for JSON.
[[nodiscard]] bool encode_json(const TypeTable& type, const void* object, Buffer& out, Error& error);

}  // namespace ruststream::inline v0::codec
