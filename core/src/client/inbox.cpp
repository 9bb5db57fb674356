#include "client/inbox.hpp"

#include "client/op.hpp"

namespace ruststream {
inline namespace v0 {
namespace detail {

EventNode::EventNode(const rst_event& source) : answer(source.answer) {
  partitions.assign(source.partitions, source.partitions + source.partition_count);
  for (rst_partition& partition : partitions) partition.name = {};
  event.kind = source.kind;
  event.value = source.value;
  event.text.assign(source.text.ptr, source.text.len);
  if (source.error != nullptr) event.error = to_error(-source.error->code, *source.error);
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
