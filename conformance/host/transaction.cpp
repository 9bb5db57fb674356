#include "host/test.hpp"

namespace conformance {
namespace {

const rst_tx& table_of(Test& test) {
  const auto* const table = test.plugin.extension<rst_tx>(RST_EXT_TX);
  if (table == nullptr) test.fail("cap", "a plugin that declares transactions has rst.tx", "it has none");
  return *table;
}

}  // namespace

std::pair<Transaction, Pending> Publisher::try_begin(const Subscription* only, std::chrono::nanoseconds timeout) const {
  const rst_tx& table = table_of(instance->test);
  Transaction made{instance, 0};
  Pending pending = instance->call(
      "rst.tx begin", connection, timeout, [&](std::uint64_t op, std::uint64_t& value, rst_error* error) {
        const std::int32_t returned = table.begin(instance->raw(), handle, only != nullptr ? only->handle : 0,
                                                  static_cast<std::uint64_t>(timeout.count()), &made.id, op, error);
        value = made.id;
        return returned;
      });
  return {made, pending};
}

Transaction Publisher::begin(const Subscription* only, std::chrono::nanoseconds timeout) const {
  auto [made, pending] = try_begin(only, timeout);
  const Outcome outcome = pending.wait();
  instance->test.expect(outcome.ok(), "cap", "a transaction begins", outcome.said());
  made.id = outcome.value;
  return made;
}

Outcome Transaction::commit() const {
  const rst_tx& table = table_of(instance->test);
  return instance
      ->call("rst.tx commit", 0, kTimeout,
             [&](std::uint64_t op, std::uint64_t&, rst_error* error) {
               return table.commit(instance->raw(), id, op, error);
             })
      .wait();
}

Outcome Transaction::abort() const {
  const rst_tx& table = table_of(instance->test);
  return instance
      ->call("rst.tx abort", 0, kTimeout,
             [&](std::uint64_t op, std::uint64_t&, rst_error* error) {
               return table.abort(instance->raw(), id, op, error);
             })
      .wait();
}

}  // namespace conformance
