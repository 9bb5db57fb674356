#pragma once
#include "ledger.hpp"

#include <ruststream/abi.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace ruststream::sim {

/// A plugin around the memory plugin, and a host around core's: sees every call between the two, tells the ledger, and
/// does what networks do to completions and publishes. One at a time, on the thread of the simulation.
class Boundary {
 public:
  Boundary(World& world, Ledger& ledger, Random& random, const FaultPlan& faults);
  ~Boundary();
  Boundary(const Boundary&) = delete;
  Boundary& operator=(const Boundary&) = delete;

  /// What core links instead of the memory plugin.
  static const rst_plugin& table();

  /// No more faults; what is late comes now.
  void calm();
  /// Everything that was made has ended, and the instance too.
  void check_balances() const;
  [[nodiscard]] bool ended() const noexcept { return instance_ == nullptr; }
  /// The plugin's own numbers are those of the ledger.
  void check_counts() const;
  /// How many messages of a group are still in the broker: waiting, unsettled and delayed.
  [[nodiscard]] std::uint64_t left(const std::string& group, const std::string& topic, bool log) const;

 private:
  friend struct Verbs;
  enum class What { connection, subscription, publisher };
  struct Handle {
    What what;
    std::uint64_t id = 0;  // the host's
    std::uint64_t parent = 0;
    bool closing = false;
  };
  struct Lent {
    const rst_batch_ops* ops;
    std::uint64_t subscription;
  };
  struct Revoke {
    std::uint64_t subscription = 0;
    Ledger::Partitions partitions;
    std::uint32_t from = 0;
    Point answer_by{};
  };
  /// Something that the plugin told: a batch, or else what is to be said to the ledger.
  struct Batch {
    std::function<void()> event;
    std::uint64_t subscription = 0;
    std::vector<Ledger::Delivered> messages;
    std::uint64_t bytes = 0;
    std::int32_t result = 0;
  };
  /// A call of the host under way: what is delivered meanwhile is judged after what the call itself did.
  class Verb {
   public:
    explicit Verb(Boundary& boundary) noexcept : boundary_(boundary) { ++boundary_.depth_; }
    ~Verb() {
      if (--boundary_.depth_ == 0) boundary_.judge_delivered();
    }
    Verb(const Verb&) = delete;
    Verb& operator=(const Verb&) = delete;

   private:
    Boundary& boundary_;
  };

  void begin(const rst_host& host, void* instance);
  std::int32_t deliver(rst_batch& batch);
  void judge_delivered();
  void judge(const Batch& batch);
  void hear(const rst_event& event);
  void complete(const rst_completion* completions, std::uint32_t count, std::uint32_t stride);
  /// The end of an operation, for a verb that is done: later, perhaps.
  std::int32_t finish(std::uint64_t op, std::int32_t status, std::uint64_t value);
  void complete_late();
  void released(rst_batch& batch);
  void opened(std::uint64_t handle, What what, std::uint64_t id, std::uint64_t parent);
  void closed(std::uint64_t handle);
  std::int32_t publish(rst_publish& call, rst_error* error);
  [[nodiscard]] std::uint64_t id_of(std::uint64_t handle) const;

  World& world_;
  Ledger& ledger_;
  Random& random_;
  FaultPlan faults_;
  const rst_host* host_ = nullptr;
  rst_host wrapped_{};
  void* instance_ = nullptr;
  int depth_ = 0;
  std::vector<Batch> delivered_;  // during a verb
  Handle subscribing_{};          // by the operation, which may complete inside the verb
  std::uint64_t subscribing_op_ = 0;
  std::uint64_t first_connection_ = 0;
  std::map<std::uint64_t, Handle> handles_;
  std::map<rst_batch*, Lent> lent_;
  std::set<std::uint64_t> pending_;              // operations
  std::map<std::uint64_t, std::uint64_t> late_;  // operations whose completion waits here; value
  std::map<std::uint64_t, Revoke> answers_;      // events that wait for one
};

}  // namespace ruststream::sim
