// One stay in the broker: its lock, and what the host is to be told once the lock is free.
#pragma once

#include <ruststream/sdk/registry.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace ruststream::memory {

class Broker;

/// An event, and what it points to: the call is made later.
struct Told {
  rst_event event;
  std::int32_t code = RST_OK;  // of its error
  const char* why = "";        // static
  std::string text = {};
  std::vector<rst_partition> partitions = {};
  std::vector<rst_capability> caps = {};
  std::uint32_t flags = RST_ERROR_RETRYABLE;  // of its error
};

/// Takes the lock; the destructor frees it and makes the host calls that were noted (rule H5 allows them inside verbs).
class Turn {
 public:
  explicit Turn(Broker& broker) : broker_(broker) { enter(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { leave(); }

  /// Frees the lock and makes the noted calls; for a host call in the middle of a verb.
  void leave();
  void enter();

  /// Notes an event about an object, which is not completed as closed before the host has it. Under the lock.
  void event(sdk::Object& object, Told told);
  /// Notes the end of an operation (0: none) of an object; `code` RST_OK is success. `text` is static. Under the lock.
  void complete(sdk::Object& object, std::uint64_t op, std::uint64_t value, std::int32_t code = RST_OK,
                const char* text = "");
  /// Notes that the object's close is over: nothing touches it once the lock is free and it has been told.
  void closed(sdk::Object& object, std::uint64_t dropped);

 private:
  struct Completion {
    std::uint64_t op;
    std::uint64_t value;
    std::int32_t code;
    const char* text;
  };
  struct Closed {
    std::uint64_t dropped;
  };
  struct Call {
    sdk::Object* object;  // pinned, unless it is told that it is closed
    std::variant<Told, Completion, Closed> what;
  };

  static void make(const Call& call);
  static void tell(const sdk::Host& host, const Told& told);
  void leave_and_tell();
  void note(Call call);

  Broker& broker_;
  bool inside_ = false;
  std::unique_ptr<std::vector<Call>> calls_;  // made when the first is noted
};

}  // namespace ruststream::memory
