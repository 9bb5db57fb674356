// A topic: where messages are published, how much it may hold, and which groups take them.
#pragma once

#include "log.hpp"
#include "record.hpp"

#include <ruststream/abi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ruststream::memory {

struct Group;
struct Publisher;

/// What a topic is made with; of the connection that first names it, or of rst.admin.
struct TopicOptions {
  std::uint64_t capacity_messages = 0;  // 0: no bound
  std::uint64_t capacity_bytes = 0;
  std::uint32_t partitions = 0;  // 0: keys give no partition
  bool assigns = false;          // each partition to one member of a group; else members share

  bool operator==(const TopicOptions&) const = default;
};

/// Guarded by the broker's lock, but for the name and its meta line, which never change while a record lives.
struct Topic {
  Topic(std::string topic_name, const TopicOptions& topic_options);
  Topic(const Topic&) = delete;
  Topic& operator=(const Topic&) = delete;

  /// Whether `bytes` more, of one message, may be published. One message always fits an empty topic.
  [[nodiscard]] bool has_room(std::uint64_t more_bytes) const noexcept {
    return stored < capacity_messages && (stored == 0 || stored_bytes + more_bytes <= capacity_bytes);
  }
  [[nodiscard]] std::uint32_t partition_of(const std::uint8_t* key, std::uint32_t key_len) const noexcept {
    return options.partitions == 0 || key == nullptr ? 0 : 1 + hash_of(key, key_len) % options.partitions;
  }

  const std::string name;
  rst_message_meta meta{};  // the address and nothing else: for subscriptions that cannot know it
  const TopicOptions options;
  const std::uint64_t capacity_messages;  // the options, 0 replaced by the largest number
  const std::uint64_t capacity_bytes;

  std::uint64_t routes_version = 0;  // of the broker's groups, when `groups` was gathered
  Group* sole = nullptr;             // the group, where there is exactly one, it is a queue, and there is no log
  std::vector<Group*> groups;        // that take what is published here
  std::unique_ptr<Log> log;          // of a topic of kind log

  std::uint64_t stored = 0;  // messages that a group or the log still needs
  std::uint64_t stored_bytes = 0;
  std::uint64_t records = 0;  // stored ones, and settled ones that batches of the host still show
  std::uint64_t published = 0;
  std::uint32_t pins = 0;           // publishers and log groups that point here
  bool declared = false;            // by rst.admin: stays when it is empty
  bool deleted = false;             // by rst.admin: goes with its last record
  std::uint64_t trim_before = 0;    // offsets of the log below it are known to be needed by no group
  std::vector<Publisher*> refused;  // to be told when there is room

 private:
  static std::uint32_t hash_of(const std::uint8_t* key, std::uint32_t key_len) noexcept;
};

}  // namespace ruststream::memory
