// The state of an in-memory broker, which lives and dies with its instance.
#pragma once
#include "defects.hpp"
#include "variant.h"

#include <ruststream/abi.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace plain {

/// Whether this binary is the variant that breaks its rule in this way.
inline bool is(Defect defect) { return the_variant.number == defect; }

inline std::string_view view(rst_str text) {
  return text.len == 0 ? std::string_view{} : std::string_view{text.ptr, text.len};
}
inline constexpr rst_str str(std::string_view text) { return {text.data(), text.size()}; }

/// The part of a struct that both sides know, zeros for the rest (rule V3).
template <class T>
T known(const T* from) {
  T to{};
  std::memcpy(static_cast<void*>(&to), from, std::min<std::size_t>(from->struct_size, sizeof to));
  return to;
}
/// The i-th of an array whose holder gives the stride.
template <class T>
T element(const T* first, std::uint32_t stride, std::uint32_t i) {
  T to{};
  const std::size_t step = is(ignores_stride) ? sizeof(T) : stride;
  std::memcpy(static_cast<void*>(&to), reinterpret_cast<const char*>(first) + i * step,
              std::min<std::size_t>(stride, sizeof to));
  return to;
}

enum Kind : std::uint32_t { queue, log_kind, pubsub, kind_count };
inline constexpr std::uint64_t kMaxPayload = 2U << 20U;
inline constexpr std::uint32_t kMaxHeaders = 64, kMaxBatch = 16, kPartitions = 4, kDropBeyond = 450;
inline constexpr std::uint64_t kKeptInLog = 65536;
inline constexpr std::uint64_t kLongest = 365ULL * 86'400'000'000'000;  // delay, ttl: a year, ns
inline constexpr std::int64_t kAway = 500'000'000;                      // a lost connection, ns

struct Header {
  std::string name, value;
  std::uint8_t type = RST_HEADER_BYTES;
};

/// A published message. Immutable once it is routed.
struct Record {
  std::string address, payload;  // 64 zeros stand behind the payload
  std::size_t payload_size = 0;
  bool null_payload = false;
  std::optional<std::string> key;
  std::vector<Header> headers;
  std::string reply_to, correlation, message_id, content_type;
  std::uint32_t partition = 0;
  std::uint64_t offset = 0;  // in its log, else the broker's number of the message
  std::int64_t time_ns = 0, expires_ns = 0;
  std::int32_t priority = 0;  // of the variant that has any
};
using RecordPtr = std::shared_ptr<const Record>;

struct Item {
  RecordPtr record;
  std::uint64_t place = 0;     // in line: what comes back comes to where it was
  std::uint16_t attempts = 0;  // that counted
  bool again = false;
};

struct Delivered {
  Item item;
  std::int64_t deadline_ns = 0;  // 0: none
  std::uint64_t tx = 0;          // enlisted there, with the verdict
  std::uint16_t verdict = 0;
  std::shared_ptr<std::string> lent;  // what the host reads of it
};

/// What subscriptions share work from; outlives them when it has a name.
struct Group {
  std::uint32_t kind = queue;
  std::vector<std::string> patterns;
  std::string name;
  std::deque<Item> waiting;
  std::multimap<std::int64_t, Item> delayed;
  std::vector<std::uint64_t> members;                     // subscriptions' handles
  std::array<std::uint64_t, kPartitions + 1> owner{};     // of each partition
  std::array<std::uint64_t, kPartitions + 1> revoking{};  // the answer that it waits for
  std::size_t unsettled = 0;
  [[nodiscard]] std::size_t load() const { return waiting.size() + delayed.size() + unsettled; }
};

struct Object {
  std::uint64_t id = 0;  // the host's
  std::uint64_t connection = 0;
  bool down = false;  // its connection is lost
};
struct Connection : Object {
  std::int64_t since_ns = 0, lost_at_ns = 0, back_at_ns = 0;  // 0: never
};
struct Subscription : Object {
  std::uint64_t handle = 0;
  std::uint32_t kind = queue;
  std::shared_ptr<Group> group;
  std::int64_t messages = 0, bytes = 0;  // balances
  std::uint64_t drains = 0;
  std::uint32_t max_batch = kMaxBatch, window = 0, max_attempts = 0, generation = 1;
  std::string dead_letter;
  std::uint64_t ack_timeout_ns = 0;
  bool open = false;              // the completion of subscribe is out
  std::int64_t paused_until = 0;  // after a refusal
  std::uint64_t last_token = 0, dropped = 0;
  std::map<std::uint64_t, Delivered> unsettled;
  std::set<std::uint64_t> voided;
  std::set<std::uint64_t> late;                         // of the variant to which it makes no difference
  std::vector<std::shared_ptr<std::string>> last_lent;  // of the batch before
  std::thread::id settler;                              // the first
  std::vector<Item> acknowledged;                       // of the variant that brings them again
  std::vector<std::string> hoarded;                     // of the variant that takes what waits
};
struct Publisher : Object {
  std::uint32_t kind = queue;
  std::string destination;
  std::shared_ptr<Group> full;  // what refused, while a PUB_WRITABLE is owed
  std::uint64_t tx = 0, published = 0;
};
struct Transaction {
  std::uint64_t publisher = 0;
  std::int64_t deadline_ns = 0;
  std::vector<Record> records;
};
struct Request {
  std::uint64_t op = 0, publisher = 0;
  std::int32_t* status = nullptr;
  std::int64_t deadline_ns = 0;
};
struct Revoke {
  std::uint64_t subscription = 0;
  std::shared_ptr<Group> group;
  std::int64_t deadline_ns = 0;
};

/// A batch on its way: the host's until it calls release.
struct Batch {
  rst_batch raw{};
  char beyond[64] = {};  // where a table of a later draft has more
  std::unique_ptr<char[]> messages;
  std::vector<Item> items;
  std::vector<std::vector<rst_header>> headers;
  std::vector<std::int64_t> timestamps;
  std::vector<rst_message_meta> metas;
  std::vector<std::shared_ptr<std::string>> payloads;
  std::vector<std::shared_ptr<void>> pages;  // of the variant whose payloads end with their memory
  class Instance* instance = nullptr;
  std::uint64_t subscription = 0;  // handle

  [[nodiscard]] rst_message& message(std::uint32_t i) const {
    return *reinterpret_cast<rst_message*>(messages.get() + std::size_t{i} * raw.stride);
  }
};

/// `*` stands for any text.
bool matches(std::string_view pattern, std::string_view address);

// What the plugin declares; declarations.cpp.
const rst_plugin& table();
bool can(std::uint32_t kind, std::uint32_t capability);
const rst_option_decl* find_option(const rst_option& given);

/// Every problem of a spec (rule O1).
struct Issues {
  std::vector<rst_error> all;
  void add(std::int32_t code, const std::string& text, std::string_view subject = {});
  /// The first one, as a verb returns it; RST_DONE when there is none.
  std::int32_t first(rst_error* error) const;
};
void set_error(rst_error* error, std::int32_t code, std::string_view text, std::string_view subject = {},
               std::uint32_t flags = 0);
std::int32_t fail(rst_error* error, std::int32_t code, std::string_view text, std::uint32_t flags = 0);

void check(const rst_connection_spec& spec, Issues& issues);
void check(const rst_subscription_spec& spec, Issues& issues);
void check(const rst_publisher_spec& spec, Issues& issues);
void check_options(std::uint32_t scope, std::uint32_t kind, const rst_option* options, std::uint32_t count,
                   Issues& issues);
const rst_option* given(const rst_option* options, std::uint32_t count, std::string_view name);
/// RST_OK, or the status of a message that the kind cannot carry as it is (rule P3).
std::int32_t check_message(std::uint32_t kind, const rst_out_message& message);
std::uint32_t kind_of(std::uint32_t index);  // of the table
std::string base64(std::string_view text);

std::int32_t validate(std::uint32_t scope, const void* spec, rst_plan* plan, const rst_report* report,
                      rst_error* error);
std::int32_t match(const rst_subscription_spec* subscription, const rst_publisher_spec* publisher,
                   const rst_out_message* message, rst_error* error);

}  // namespace plain
