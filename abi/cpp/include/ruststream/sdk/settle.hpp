#pragma once
// Settling: the checks of every item, once for all plugins (rules S1, S2, V2).

#include <ruststream/abi/settle.h>
#include <ruststream/sdk/declare.hpp>
#include <ruststream/sdk/tokens.hpp>

namespace ruststream::sdk {

/// Which verdicts a kind has; made once per subscription.
class Verdicts {
 public:
  explicit Verdicts(const rst_kind& kind) noexcept {
    allow(kind, RST_CAP_SETTLE, RST_VERDICT_ACK);
    allow(kind, RST_CAP_RETRY, RST_VERDICT_RETRY);
    allow(kind, RST_CAP_RELEASE, RST_VERDICT_RELEASE);
    allow(kind, RST_CAP_REJECT, RST_VERDICT_REJECT);
    allow(kind, RST_CAP_EXTEND, RST_VERDICT_EXTEND);
    if (const auto* after = find_cap(kind, RST_CAP_RETRY_AFTER); after != nullptr) {
      max_delay_ns_ = after->limit == 0 ? UINT64_MAX : after->limit;
    }
    reject_to_ = find_cap(kind, RST_CAP_REJECT_TO) != nullptr;
  }

  /// RST_OK, or the status of an item that must not be looked at further: its token stays as it is.
  [[nodiscard, gnu::always_inline]] std::int32_t check(const rst_settlement& item) const noexcept {
    const std::uint32_t verdict = item.verdict | static_cast<std::uint32_t>(item.flags) << 16U;  // one load
    const bool known = verdict < 8 && (mask_ >> verdict & 1U) != 0;
    if (known && (item.delay_ns | reinterpret_cast<std::uintptr_t>(item.detail)) == 0) return RST_OK;
    return check_slowly(item, known);
  }

 private:
  void allow(const rst_kind& kind, std::uint32_t cap, std::uint32_t verdict) noexcept {
    if (find_cap(kind, cap) != nullptr) mask_ |= 1U << verdict;
  }
  [[nodiscard, gnu::noinline]] std::int32_t check_slowly(const rst_settlement& item, bool known) const noexcept {
    if (!known) return -RST_E_UNSUPPORTED;
    if (item.delay_ns != 0 && item.verdict != RST_VERDICT_RETRY) return -RST_E_INVALID;
    if (item.delay_ns > max_delay_ns_) return -RST_E_UNSUPPORTED;
    // NOLINTNEXTLINE(bugprone-sizeof-expression): the last field is a pointer
    if (item.detail != nullptr && item.detail->struct_size < RST_UP_TO(rst_settle_detail, headers))
      return -RST_E_INVALID;
    const bool elsewhere = item.detail != nullptr && item.detail->dead_letter.len != 0;
    return elsewhere && !reject_to_ ? -RST_E_UNSUPPORTED : RST_OK;
  }

  std::uint32_t mask_ = 0;
  std::uint64_t max_delay_ns_ = 0;
  bool reject_to_ = false;
};

/// Walks the items, whatever their stride: `act(rst_settlement&)` for each that passes gives its status; token 0 is its
/// business.
template <typename Act>
std::int32_t settle_each(const rst_settle& call, const Verdicts& verdicts, Act&& act) {
  const Verdicts has = verdicts;
  auto* at = reinterpret_cast<std::byte*>(call.items);
  for (std::uint32_t left = call.count; left != 0; --left, at += call.stride) {
    auto& item = *reinterpret_cast<rst_settlement*>(at);
    const auto refused = has.check(item);
    item.status = refused != RST_OK ? refused : act(item);
  }
  return RST_DONE;
}

/// The same with a token table: `act(rst_settlement&, T& value)` sees each delivery once. When its status is an error
/// the token is unsettled again. EXTEND leaves it unsettled in any case.
template <typename T, typename Act>
std::int32_t settle_each(const rst_settle& call, const Verdicts& verdicts, Tokens<T>& tokens, Act&& act) {
  const Verdicts has = verdicts;
  std::uint64_t settled = 0;
  auto* at = reinterpret_cast<std::byte*>(call.items);
  for (std::uint32_t left = call.count; left != 0; --left, at += call.stride) {
    auto& item = *reinterpret_cast<rst_settlement*>(at);
    const auto refused = has.check(item);
    item.status = refused != RST_OK ? refused
                                    : tokens.settle_one(item.token, item.verdict == RST_VERDICT_EXTEND, settled,
                                                        [&](T& value) { return act(item, value); });
  }
  tokens.end_settling(settled);
  return RST_DONE;
}

}  // namespace ruststream::sdk
