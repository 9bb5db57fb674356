#include "codec/json_decoder.hpp"
#include "codec/json_encoder.hpp"

#include <ruststream/codec.hpp>

namespace ruststream {
inline namespace v0 {
namespace {

class JsonCodec final : public Codec {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "json"; }
  [[nodiscard]] std::string_view content_type() const noexcept override { return "application/json"; }
  [[nodiscard]] bool decode(const TypeTable& type, const DecodeInput& input, void* object,
                            Error& error) const override {
    return codec::decode_json(type, input, object, error);
  }
  [[nodiscard]] bool encode(const TypeTable& type, const void* object, Buffer& out, Error& error) const override {
    return codec::encode_json(type, object, out, error);
  }
};

}  // namespace

const Codec& json() noexcept {
  static constinit const JsonCodec codec;
  return codec;
}

}  // namespace v0
}  // namespace ruststream
