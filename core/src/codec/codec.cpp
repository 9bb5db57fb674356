#include <ruststream/codec.hpp>

namespace ruststream {
inline namespace v0 {

Codec::~Codec() = default;

}  // namespace v0
}  // namespace ruststream
