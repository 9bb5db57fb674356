#pragma once
// What to subscribe to on NATS, said in code: only data, and nothing to link.
//
//   scope.subscribe(nats::Core("orders.>").group("billing"), handle);
//   scope.subscribe(nats::JetStream("orders.*").durable("billing").max_in_flight(512), handle);
//
// Each word is an option of the plugin (README.md beside it explains them), so settings can change it.

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ruststream::nats {

template <class Self>
class StreamSource;

/// What the three have in common. `Self` is the one that derives from it.
template <class Self>
class Source {
 public:
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] const std::string& kind() const noexcept { return kind_; }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& options() const noexcept { return options_; }

  /// Says it all to a rs::Registration.
  template <class Registration>
  void describe(Registration& registration) const {
    registration.kind(kind_);
    if (!group_.empty()) registration.group(group_);
    if (!durable_.empty()) registration.durable(durable_);
    for (const auto& [name, value] : options_) registration.option(name, value);
  }

 protected:
  Self& set(std::string name, std::string value) {
    options_.emplace_back(std::move(name), std::move(value));
    return static_cast<Self&>(*this);
  }
  Self& set(std::string name, std::uint64_t value) { return set(std::move(name), std::to_string(value)); }
  Self& set(std::string name, bool value) { return set(std::move(name), std::string(value ? "true" : "false")); }
  Self& set(std::string name, std::chrono::milliseconds value) {
    return set(std::move(name), std::to_string(value.count()) + "ms");
  }

  std::string kind_, address_, group_, durable_;
  std::vector<std::pair<std::string, std::string>> options_;

 private:
  friend Self;
  friend StreamSource<Self>;
  Source(std::string kind, std::string address) : kind_(std::move(kind)), address_(std::move(address)) {}
};

/// Kind `core`: a subject, perhaps with wildcards. To whoever listens now, at most once.
class Core : public Source<Core> {
 public:
  explicit Core(std::string subject) : Source("core", std::move(subject)) {}

  /// The queue group: its members share the messages.
  Core& group(std::string name) { return group_ = std::move(name), *this; }
  Core& pending_messages(std::uint64_t most) { return set("pending_messages", most); }
  Core& pending_bytes(std::uint64_t most) { return set("pending_bytes", most); }
};

/// What the two kinds that read streams share.
template <class Self>
class StreamSource : public Source<Self> {
 public:
  /// all, new, last, last_per_subject, by_start_sequence, by_start_time.
  Self& deliver(std::string policy) { return this->set("deliver", std::move(policy)); }
  Self& start_sequence(std::uint64_t first) { return this->set("start_sequence", first); }
  /// As 2026-01-31T12:00:00Z.
  Self& start_time(std::string first) { return this->set("start_time", std::move(first)); }
  Self& replay(std::string policy) { return this->set("replay", std::move(policy)); }
  Self& headers_only(bool only = true) { return this->set("headers_only", only); }
  Self& pull_expires(std::chrono::milliseconds after) { return this->set("pull_expires", after); }

 private:
  friend Self;
  StreamSource(std::string kind, std::string address) : Source<Self>(std::move(kind), std::move(address)) {}
};

/// Kind `jetstream`: a pull consumer of the stream that stores the subject. At least once.
class JetStream : public StreamSource<JetStream> {
 public:
  explicit JetStream(std::string subject) : StreamSource("jetstream", std::move(subject)) {}

  /// The consumer outlives the service, and its instances share it.
  JetStream& durable(std::string name) { return durable_ = std::move(name), *this; }
  JetStream& ack_wait(std::chrono::milliseconds longest) { return set("ack_wait", longest); }
  JetStream& max_deliver(std::uint64_t times) { return set("max_deliver", times); }
  JetStream& max_in_flight(std::uint64_t messages) { return set("max_in_flight", messages); }
  JetStream& consumer_replicas(std::uint64_t servers) { return set("consumer_replicas", servers); }
  JetStream& consumer_memory(bool in_memory = true) { return set("consumer_memory", in_memory); }
};

/// Kind `ordered`: a stream in its order, nothing to settle.
class Ordered : public StreamSource<Ordered> {
 public:
  explicit Ordered(std::string subject) : StreamSource("ordered", std::move(subject)) {}
};

}  // namespace ruststream::nats
