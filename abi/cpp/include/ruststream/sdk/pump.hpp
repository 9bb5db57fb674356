#pragma once
// Delivering what waits, as far as credit goes (rules F1, F5, M1).

#include <ruststream/sdk/objects.hpp>

namespace ruststream::sdk {

/// Delivers batch after batch while there is credit and something waits. Call it whenever either may have come to be:
/// on_open, on_credit, after a publish or a settlement; from several threads at once one does the work for all. The
/// subscription is pinned, no lock is held. [any-thread]
/// @param fill  `fill(Batch<Item>&, most)`: adds at most `most` messages, under the plugin's own lock; none when
/// nothing waits.
/// @param take_back  `take_back(Batch<Item>&)`: the host refused the batch: its messages go back to where they came
/// from.
template <typename Item, typename Fill, typename TakeBack>
void pump(Subscription& subscription, BatchPool<Item>& pool, Fill&& fill, TakeBack&& take_back) {
  Credit& credit = subscription.credit();
  for (;;) {
    const auto turn = credit.begin(pool.max_batch());
    if (turn.messages == 0) return;
    Batch<Item>* batch = nullptr;
    try {
      batch = &pool.acquire();
      fill(*batch, turn.messages);
    } catch (...) {
      if (batch != nullptr) BatchPool<Item>::release(*batch);
      credit.end(turn, 0, 0, subscription.host());
      throw;
    }
    const auto count = batch->size();
    const auto bytes = batch->raw().bytes;
    const bool taken = count != 0 && subscription.deliver(*batch) == RST_DONE;
    if (!taken) {
      if (count != 0) take_back(*batch);
      BatchPool<Item>::release(*batch);
    }
    const bool again = credit.end(turn, taken ? count : 0, taken ? bytes : 0, subscription.host());
    if (!taken && (count != 0 || !again)) return;
  }
}

/// The same where each message has a token of this table: of a refused batch `give_back(T&&)` gets every delivery, last
/// one first, so that putting each in front restores the order.
template <typename Item, typename T, typename Fill, typename GiveBack>
void pump(Subscription& subscription, BatchPool<Item>& pool, Tokens<T>& tokens, Fill&& fill, GiveBack&& give_back) {
  pump(subscription, pool, std::forward<Fill>(fill), [&](Batch<Item>& batch) {
    for (auto at = batch.messages().rbegin(); at != batch.messages().rend(); ++at) {
      if (tokens.take(at->token) != RST_OK) continue;
      give_back(std::move(tokens.value(at->token)));
      tokens.settled(at->token);
    }
  });
}

}  // namespace ruststream::sdk
