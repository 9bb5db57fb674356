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
  [[nodiscard]] std::int32_t check(const rst_settlement& item) const noexcept {
    const bool plain = item.flags == 0 && item.verdict < 8 && (mask_ >> item.verdict & 1U) != 0 && item.token != 0;
    if (plain && (item.delay_ns | reinterpret_cast<std::uintptr_t>(item.detail)) == 0) return RST_OK;
    return check_slowly(item, plain);
  }

 private:
  void allow(const rst_kind& kind, std::uint32_t cap, std::uint32_t verdict) noexcept {
    if (find_cap(kind, cap) != nullptr) mask_ |= 1U << verdict;
  }
  [[nodiscard]] std::int32_t check_slowly(const rst_settlement& item, bool plain) const noexcept {
    if (item.token == 0) return -RST_E_INVALID;
    if (!plain) return -RST_E_UNSUPPORTED;
    if (item.delay_ns != 0 && item.verdict != RST_VERDICT_RETRY) return -RST_E_INVALID;
    if (item.delay_ns > max_delay_ns_) return -RST_E_UNSUPPORTED;
    if (item.detail != nullptr && item.detail->struct_size < sizeof(rst_settle_detail)) return -RST_E_INVALID;
    const bool elsewhere = item.detail != nullptr && item.detail->dead_letter.len != 0;
    return elsewhere && !reject_to_ ? -RST_E_UNSUPPORTED : RST_OK;
  }

  std::uint32_t mask_ = 0;
  std::uint64_t max_delay_ns_ = 0;
  bool reject_to_ = false;
};

/// Walks the items, whatever their stride: `act(rst_settlement&)` for each that passes; it gives the item's status.
template <typename Act>
std::int32_t settle_each(const rst_settle& call, const Verdicts& verdicts, Act&& act) {
  auto* at = reinterpret_cast<std::byte*>(call.items);
  for (std::uint32_t left = call.count; left != 0; --left, at += call.stride) {
    auto& item = *reinterpret_cast<rst_settlement*>(at);
    const auto refused = verdicts.check(item);
    item.status = refused != RST_OK ? refused : act(item);
  }
  return RST_DONE;
}

/// The same with a token table: `act(rst_settlement&, T& value)` sees each delivery once. When its status is an error
/// the token is unsettled again. EXTEND leaves it unsettled in any case.
template <typename T, typename Act>
std::int32_t settle_each(const rst_settle& call, const Verdicts& verdicts, Tokens<T>& tokens, Act&& act) {
  return settle_each(call, verdicts, [&](rst_settlement& item) {
    if (const auto refused = tokens.take(item.token); refused != RST_OK) return refused;
    const std::int32_t status = act(item, tokens.value(item.token));
    if (status >= 0 && item.verdict != RST_VERDICT_EXTEND) {
      tokens.settled(item.token);
    } else {
      tokens.put_back(item.token);
    }
    return status;
  });
}

}  // namespace ruststream::sdk
