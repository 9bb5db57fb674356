#include "topic.hpp"

#include <limits>
#include <utility>

namespace ruststream::memory {
namespace {

std::uint64_t bound(std::uint64_t option) noexcept {
  return option == 0 ? std::numeric_limits<std::uint64_t>::max() / 2 : option;
}

}  // namespace

Topic::Topic(std::string topic_name, const TopicOptions& topic_options)
    : name(std::move(topic_name)),
      options(topic_options),
      capacity_messages(bound(topic_options.capacity_messages)),
      capacity_bytes(bound(topic_options.capacity_bytes)) {
  meta.struct_size = sizeof meta;
  meta.address = name.data();
  meta.address_len = static_cast<std::uint32_t>(name.size());
}

/// FNV-1a: the same key has the same partition in every process and version.
std::uint32_t Topic::hash_of(const std::uint8_t* key, std::uint32_t key_len) noexcept {
  std::uint32_t hash = 2166136261U;
  for (std::uint32_t i = 0; i < key_len; ++i) hash = (hash ^ key[i]) * 16777619U;
  return hash;
}

}  // namespace ruststream::memory
