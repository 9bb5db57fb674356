#pragma once
#include "client/publisher_core.hpp"
#include "runtime/consumer.hpp"

#include <functional>
#include <utility>
#include <vector>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// A call that has ended but for publishes that it left under way: settled when they are known.
struct Consumer::Deferred {
  Consumer* consumer;
  Deferred* before = nullptr;  // of the consumer's list
  Deferred* after = nullptr;
  std::uint32_t lane;
  std::uint32_t waiting = 0;
  PublishOp* under_way = nullptr;  // these
  bool copies = false;             // the publish is a copy of the message, made to retry or bury it
  bool failed = false;
  Error error;
  std::vector<std::pair<MessageRef, Outcome>> verdicts;
  std::function<void()> then;

  void link() noexcept {
    after = consumer->deferred_;
    if (after != nullptr) after->before = this;
    consumer->deferred_ = this;
  }
  void wait_for(PublishOp& op) noexcept {
    ++waiting;
    op.beside = std::exchange(under_way, &op);
  }
  void waited_for(const PublishOp& op) noexcept {
    --waiting;
    PublishOp** link = &under_way;
    while (*link != &op) link = &(*link)->beside;
    *link = op.beside;
  }
  /// The consumer ends before they are known: they go on by themselves, and the broker redelivers.
  void give_up() noexcept {
    while (under_way != nullptr) {
      PublishOp& op = *std::exchange(under_way, under_way->beside);
      op.op->unwait();
      op.detach();
    }
    delete this;
  }
  void one_known(PublishOp& op) {
    if (Result<void> result = op.take(); !result && !failed) {
      failed = true;
      error = std::move(result.error());
    }
  }
  void conclude() {
    for (auto& [ref, outcome] : verdicts) {
      if (failed && copies) {  // another copy would fail the same way
        consumer->log(log::Level::warn, static_cast<std::int64_t>(error.code),
                      "a message could not be copied, the broker keeps it: " + error.text);
        outcome = release();
      } else if (failed && outcome.verdict() == Verdict::ack) {
        outcome = consumer->on_failure(consumer->config_.on_failure, ref, "a publish failed: " + error.text);
      }
      consumer->settle(ref, outcome);
    }
    if (then && !failed) consumer->continuations_.push_back(std::move(then));
    (before != nullptr ? before->after : consumer->deferred_) = after;
    if (after != nullptr) after->before = before;
    consumer->ended(lane, copies ? 0 : verdicts.size());
    delete this;
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
