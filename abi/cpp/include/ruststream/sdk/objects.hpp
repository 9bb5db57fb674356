#pragma once
// The three base classes of an author's objects.

#include <ruststream/abi/settle.h>
#include <ruststream/sdk/batch.hpp>
#include <ruststream/sdk/credit.hpp>
#include <ruststream/sdk/profile.hpp>
#include <ruststream/sdk/refusals.hpp>
#include <ruststream/sdk/registry.hpp>
#include <ruststream/sdk/settle.hpp>

namespace ruststream::sdk {

class Connection : public Object {
 public:
  using Object::Object;
};

class Subscription : public Object {
 public:
  explicit Subscription(const Birth& birth) noexcept : Object(birth), verdicts_(*birth.kind) {}

  [[nodiscard]] std::uint32_t kind_index() const noexcept { return birth_.kind_index; }
  [[nodiscard]] const rst_kind& kind() const noexcept { return *birth_.kind; }
  [[nodiscard]] const Verdicts& verdicts() const noexcept { return verdicts_; }
  [[nodiscard]] Credit& credit() noexcept { return credit_; }

  /// Hands a batch to the host, which owns it when this is RST_DONE; else it is still the plugin's (M1). The caller has
  /// pinned the subscription and holds no lock that a verb takes. [any-thread, one at a time]
  template <typename Item>
  std::int32_t deliver(Batch<Item>& batch) noexcept {
    batch.raw().subscription = id();
    batch.raw().generation = generation_.load(std::memory_order_relaxed);
    return host().deliver(batch.raw());
  }

  /// Rises with whatever voids tokens (G2). Returns the new one.
  std::uint32_t next_generation() noexcept { return generation_.fetch_add(1, std::memory_order_relaxed) + 1; }
  [[nodiscard]] std::uint32_t generation() const noexcept { return generation_.load(std::memory_order_relaxed); }

 private:
  Verdicts verdicts_;
  Credit credit_;
  std::atomic<std::uint32_t> generation_{1};
};

class Publisher : public Object {
 public:
  explicit Publisher(const Birth& birth) noexcept
      : Object(birth), profile_(*birth.kind, birth.kind_index, birth.options) {}

  [[nodiscard]] std::uint32_t kind_index() const noexcept { return birth_.kind_index; }
  [[nodiscard]] const rst_kind& kind() const noexcept { return *birth_.kind; }
  [[nodiscard]] const Profile& profile() const noexcept { return profile_; }

  /// A publish was cut short: a PUB_WRITABLE follows. publish_each does it, under the lock of what was full, so that
  /// room which comes later is not missed.
  void refused(Refusals& refusals) {
    refusals.add(*this);
    refused_by_.store(&refusals, std::memory_order_relaxed);
  }
  ~Publisher() override {
    if (auto* const refusals = refused_by_.load(std::memory_order_relaxed); refusals != nullptr)
      refusals->remove(*this);
  }

 private:
  Profile profile_;
  std::atomic<Refusals*> refused_by_{nullptr};
};

}  // namespace ruststream::sdk
