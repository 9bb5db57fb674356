#include <ruststream/codec.hpp>

#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace ruststream {
inline namespace v0 {
namespace {

bool not_raw(const TypeTable& type, Error& error) {
  error = Error(Code::invalid,
                "the raw codec takes std::string, std::string_view, std::vector<std::byte> and "
                "std::span<const std::byte>; use json() for " +
                    (type.name.empty() ? "other types" : std::string(type.name)));
  return false;
}

class RawCodec final : public Codec {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "raw"; }
  [[nodiscard]] std::string_view content_type() const noexcept override { return "application/octet-stream"; }

  [[nodiscard]] bool decode(const TypeTable& type, const DecodeInput& input, void* object,
                            Error& error) const override {
    const auto* const text = static_cast<const char*>(input.data);
    const auto* const bytes = static_cast<const std::byte*>(input.data);
    switch (type.kind) {
      case Kind::string: static_cast<std::string*>(object)->assign(std::string_view(text, input.size)); return true;
      case Kind::string_view: *static_cast<std::string_view*>(object) = {text, input.size}; return true;
      case Kind::bytes: static_cast<std::vector<std::byte>*>(object)->assign(bytes, bytes + input.size); return true;
      case Kind::bytes_view: *static_cast<std::span<const std::byte>*>(object) = {bytes, input.size}; return true;
      default: return not_raw(type, error);
    }
  }

  [[nodiscard]] bool encode(const TypeTable& type, const void* object, Buffer& out, Error& error) const override {
    const auto append = [&out](const auto& bytes) {
      out.append(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
      return true;
    };
    switch (type.kind) {
      case Kind::string: return append(*static_cast<const std::string*>(object));
      case Kind::string_view: return append(*static_cast<const std::string_view*>(object));
      case Kind::bytes: return append(*static_cast<const std::vector<std::byte>*>(object));
      case Kind::bytes_view: return append(*static_cast<const std::span<const std::byte>*>(object));
      default: return not_raw(type, error);
    }
  }
};

}  // namespace

const Codec& raw() noexcept {
  static constinit const RawCodec codec;
  return codec;
}

}  // namespace v0
}  // namespace ruststream
