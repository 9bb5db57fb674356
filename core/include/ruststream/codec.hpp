#pragma once
#include <ruststream/arena.hpp>
#include <ruststream/buffer.hpp>
#include <ruststream/error.hpp>
#include <ruststream/export.hpp>
#include <ruststream/type_model.hpp>

#include <cstddef>
#include <string_view>

namespace ruststream {
inline namespace v0 {

/// What a codec decodes. The payload and the arena must live as long as the views in the decoded object are used: in
/// the runtime both live until settlement. No byte past the payload's end is read.
struct DecodeInput {
  const void* data = nullptr;
  std::size_t size = 0;
  Arena* arena = nullptr;  ///< never null
};

/// Turns payloads into objects and back, for every type that has a table. Stateless for its user: one instance serves
/// all threads at once. A custom codec derives from it and needs no template.
class RUSTSTREAM_EXPORT Codec {
 public:
  virtual ~Codec();

  /// A short lower-case name (`json`). Static storage.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// The media type of what it encodes (`application/json`). Static storage.
  [[nodiscard]] virtual std::string_view content_type() const noexcept = 0;

  /// Fills `object`, an object of the type that `type` describes. It may have been used before: every member is
  /// overwritten or reset, strings and vectors keep their memory.
  /// @return false with `error` filled (Code::corrupt, the path of the member, what was expected and what was found;
  ///   never a part of the payload): the object can then be reused or destroyed, its content means nothing. Throws only
  ///   what the containers of the object throw.
  [[nodiscard]] virtual bool decode(const TypeTable& type, const DecodeInput& input, void* object,
                                    Error& error) const = 0;

  /// Appends the encoded object to `out`.
  /// @return false with `error` filled (Code::invalid, path and reason); `out` is then as long as before.
  [[nodiscard]] virtual bool encode(const TypeTable& type, const void* object, Buffer& out, Error& error) const = 0;
};

/// JSON (RFC 8259). Decoding accepts exactly the documents of the standard that nest at most kMaxNesting deep; unknown
/// members are stepped over (and still have to be valid), a member given twice is an error, as is anything after the
/// document. A missing or null optional is nullopt. Bytes are base64 strings. Encoding leaves empty optionals out of
/// structs and refuses invalid UTF-8 and non-finite numbers.
[[nodiscard]] RUSTSTREAM_EXPORT const Codec& json() noexcept;

/// The payload as it is: for std::string, std::string_view, std::vector<std::byte> and std::span<const std::byte>.
/// The views borrow the payload.
[[nodiscard]] RUSTSTREAM_EXPORT const Codec& raw() noexcept;

}  // namespace v0
}  // namespace ruststream
