#include "ledger.hpp"

#include <ruststream/abi.h>

#include <algorithm>

namespace ruststream::sim {
namespace {

constexpr std::uint64_t kGrave = 1ULL << 40U;  // ids of dead letters: this and their number in the broker

}  // namespace

Ledger::Ledger(World& world, const Scenario& scenario) : world_(world), scenario_(scenario) {
  for (const Group& group : scenario.groups) {
    Queue& queue = queues_.emplace_back();
    queue.name = group.name;
    queue.topic = group.topic;
  }
  Queue& graves = queues_.emplace_back();
  graves.name = Scenario::kGraves;
  graves.topic = 0xFFFF'FFFF;
}

void Ledger::violated(const std::string& what, std::uint64_t id, const std::string& where) const {
  world_.violated(what + ": message " + std::to_string(id) + " in " + where);
}

std::uint64_t Ledger::new_message(std::uint32_t topic, std::string_view key, bool broken) {
  known_[++last_id_] = {topic, std::string(key), broken};
  return last_id_;
}

void Ledger::published(std::uint64_t publisher, std::uint64_t id, bool stored) {
  Known& known = known_[id];
  world_.note("publish", {{"id", id}, {"topic", known.topic}, {"publisher", publisher}, {"stored", stored ? 1U : 0U}});
  if (!stored) return;
  if (++known.stored > 1) world_.violated("published twice: message " + std::to_string(id));
  std::uint64_t& last = last_of_publisher_[publisher];
  if (id < last) violated("published out of order (P2)", id, "publisher " + std::to_string(publisher));
  last = id;
  ++last_place_;
  for (Queue& queue : queues_) {
    if (queue.topic != known.topic) continue;
    Copy& copy = queue.copies[id];
    copy.place = last_place_;
    give_back(queue, copy, id);
  }
}

void Ledger::told(std::uint64_t id, bool good, bool maybe) {
  world_.note("told", {{"id", id}, {"good", good ? 1U : 0U}, {"maybe", maybe ? 1U : 0U}});
  const Known& known = known_[id];
  if (good && known.stored != 1) world_.violated("told it was stored, and it is not: message " + std::to_string(id));
  if (!good && !maybe && known.stored != 0) {
    world_.violated("told it was not stored, and it is: message " + std::to_string(id));
  }
}

void Ledger::subscribing(std::uint64_t subscription, const Opening& opening) {
  const auto queue = std::ranges::find(queues_, opening.group, &Queue::name);
  world_.note("subscribe", {{"subscription", subscription},
                            {"group", static_cast<std::uint64_t>(queue - queues_.begin())},
                            {"window", opening.window}});
  Session& session = sessions_[subscription];
  if (session.queue != nullptr) world_.violated("the name of a subscription is reused (C3)");
  session.queue = &*queue;
  session.opening = opening;
  session.opening.group = queue->name;
  session.credit = opening.window;
  session.credit_bytes = static_cast<std::int64_t>(opening.window_bytes);
}

void Ledger::closed(std::uint64_t subscription) {
  Session& session = sessions_[subscription];
  world_.note("close", {{"subscription", subscription}});
  session.closed = true;
  for (auto& [id, copy] : session.queue->copies) {
    if (copy.state != State::held || copy.subscription != subscription) continue;
    expired(copy) ? expire(*session.queue, copy, id) : give_back(*session.queue, copy, id);
  }
}

/// It is unsettled no more, and nobody has decided: it is in its place again.
void Ledger::take_back(Session& session, std::uint64_t number) {
  Queue& queue = *session.queue;
  const std::uint64_t id = session.tokens.at(number).id;
  Copy& copy = queue.copies.at(id);
  if (copy.state != State::held || copy.token != number || &sessions_.at(copy.subscription) != &session) return;
  expired(copy) ? expire(queue, copy, id) : give_back(queue, copy, id);
}

void Ledger::asked(std::uint64_t subscription, const Partitions& partitions, std::uint32_t from) {
  for (auto& [number, token] : sessions_.at(subscription).tokens) {
    token.goes |= token.generation < from && std::ranges::find(partitions, token.partition) != partitions.end();
  }
}

void Ledger::agreed(std::uint64_t subscription, const Partitions& partitions, std::uint32_t from) {
  const Session& session = sessions_.at(subscription);
  if (!session.opening.serves || session.drained) return;  // who stops lets go of what still runs
  for (const auto& [number, token] : session.tokens) {
    if (token.decided || token.generation >= from || std::ranges::find(partitions, token.partition) == partitions.end())
      continue;
    violated("let go without a verdict (G1, H6)", token.id, session.queue->name);
  }
}

void Ledger::went(std::uint64_t subscription, const Partitions& partitions, std::uint32_t from) {
  Session& session = sessions_.at(subscription);
  world_.note("went", {{"subscription", subscription}, {"first", partitions.empty() ? 0 : partitions.front()}});
  for (auto& [number, token] : session.tokens) {
    if (token.generation >= from || std::ranges::find(partitions, token.partition) == partitions.end()) continue;
    token.goes = true;
    take_back(session, number);
  }
}

void Ledger::lost(std::uint64_t subscription) {
  Session& session = sessions_.at(subscription);
  world_.note("lost", {{"subscription", subscription}});
  for (const auto& [number, token] : session.tokens) take_back(session, number);
}

void Ledger::drained(std::uint64_t subscription) {
  Session& session = sessions_[subscription];
  world_.note("drain", {{"subscription", subscription}});
  session.credit = session.credit_bytes = 0;
  session.drained = true;
}

void Ledger::credited(std::uint64_t subscription, std::uint64_t messages, std::uint64_t bytes) {
  Session& session = sessions_[subscription];
  world_.note("credit", {{"subscription", subscription}, {"messages", messages}, {"bytes", bytes}});
  session.credit += static_cast<std::int64_t>(messages);
  session.credit_bytes += static_cast<std::int64_t>(bytes);
  if (session.credit + session.open > session.opening.window) {
    world_.violated("more credit than the window of " + std::to_string(session.opening.window) + ": subscription " +
                    std::to_string(subscription) + " has " + std::to_string(session.credit) + " beside " +
                    std::to_string(session.open) + " unsettled");
  }
  if (session.credit_bytes > static_cast<std::int64_t>(session.opening.window_bytes)) {
    world_.violated("more bytes of credit than the window: subscription " + std::to_string(subscription));
  }
}

void Ledger::give_back(Queue& queue, Copy& copy, std::uint64_t id) {
  copy.state = State::waiting;
  queue.waiting.insert({copy.place, id});
}

void Ledger::delivering(std::uint64_t subscription, const std::vector<Delivered>& messages, std::uint64_t bytes) {
  Session& session = sessions_[subscription];
  if (session.closed) world_.violated("delivered after close (F3): subscription " + std::to_string(subscription));
  if (session.credit < static_cast<std::int64_t>(messages.size()) || session.credit_bytes <= 0) {
    world_.violated("delivered beyond credit (F1): subscription " + std::to_string(subscription));
  }
  session.credit -= static_cast<std::int64_t>(messages.size());
  session.credit_bytes -= static_cast<std::int64_t>(bytes);
  session.open += static_cast<std::int64_t>(messages.size());
  session.counts.delivered += messages.size();
  for (const Delivered& message : messages) deliver(session, subscription, message);
}

void Ledger::deliver(Session& session, std::uint64_t subscription, const Delivered& message) {
  Queue& queue = *session.queue;
  const bool grave = !message.buried_by.empty();
  const std::uint64_t id = grave ? kGrave + message.sequence : message.id;
  world_.note("deliver",
              {{"subscription", subscription}, {"token", message.token}, {"id", id}, {"attempt", message.attempt}});
  if (grave) {
    graves_[{message.buried_by, message.id}].insert(message.sequence);
    Copy& copy = queue.copies[id];
    copy.place = message.sequence;
    if (copy.state == State::absent) copy.state = State::waiting;
  }
  const auto found = queue.copies.find(id);
  if (found == queue.copies.end()) return violated("delivered, and never published", id, queue.name);
  Copy& copy = found->second;
  if (expired(copy)) expire(queue, copy, id);
  if (copy.state == State::held) violated("delivered while it is held", id, queue.name);
  if (copy.state == State::final) violated("delivered after its end", id, queue.name);
  if (copy.state == State::delayed && copy.due > world_.now()) violated("delivered before its delay", id, queue.name);
  queue.waiting.erase({copy.place, id});
  check_order(queue, copy, id);
  if (message.attempt != copy.attempt) {
    violated("attempt " + std::to_string(message.attempt) + " instead of " + std::to_string(copy.attempt), id,
             queue.name);
  }
  copy.state = State::held;
  copy.subscription = subscription;
  copy.token = message.token;
  Token& token = session.tokens[message.token];
  token = {};
  token.id = id;
  token.attempt = copy.attempt;
  if (session.opening.ack_timeout.count() > 0) token.deadline = world_.now() + session.opening.ack_timeout;
  const auto known = known_.find(message.id);
  token.broken = known != known_.end() && known->second.broken;
  token.partition = message.partition;
  token.generation = message.generation;
  session.all.push_back(message.token);
  if (known != known_.end() && !known->second.key.empty()) session.by_key[known->second.key].push_back(message.token);
}

/// Nothing that waits may stand before it: of its key, where partitions are assigned and each has its own line.
void Ledger::check_order(const Queue& queue, const Copy& copy, std::uint64_t id) const {
  const bool assigned = queue.topic < scenario_.topics.size() && scenario_.topics[queue.topic].assigned;
  for (const auto& [place, other] : queue.waiting) {
    if (place >= copy.place) return;
    if (assigned && known_.at(other).key != known_.at(id).key) continue;
    return violated("delivered before message " + std::to_string(other) + " that waits before it", id, queue.name);
  }
}

/// Whether whoever holds it has held it for longer than the broker waits.
bool Ledger::expired(const Copy& copy) const {
  if (copy.state != State::held) return false;
  return sessions_.at(copy.subscription).tokens.at(copy.token).deadline <= world_.now();
}

/// What the broker did when its time was over: a retry.
void Ledger::expire(Queue& queue, Copy& copy, std::uint64_t id) {
  const Session& holder = sessions_.at(copy.subscription);
  world_.note("expired", {{"subscription", copy.subscription}, {"token", copy.token}});
  if (holder.opening.serves && !scenario_.blocks()) {
    violated("its deadline passed although nothing blocked the loop (H8)", id, queue.name);
  }
  const std::uint32_t most = holder.opening.max_attempts;
  if (most != 0 && copy.attempt >= most) return end(queue, copy, id, holder.opening.dead_letter);
  ++copy.attempt;
  give_back(queue, copy, id);
}

void Ledger::refused(std::uint64_t subscription, const std::vector<Delivered>& messages, std::uint64_t bytes) {
  Session& session = sessions_[subscription];
  session.credit += static_cast<std::int64_t>(messages.size());
  session.credit_bytes += static_cast<std::int64_t>(bytes);
  session.open -= static_cast<std::int64_t>(messages.size());
  session.counts.delivered -= messages.size();
  for (const Delivered& message : messages) {
    Token& token = session.tokens[message.token];
    token.decided = token.settled = true;
    give_back(*session.queue, session.queue->copies[token.id], token.id);
  }
  world_.note("refused", {{"subscription", subscription}, {"messages", messages.size()}});
}

void Ledger::end(Queue& queue, Copy& copy, std::uint64_t id, bool buried) {
  copy.state = State::final;
  if (buried) ++copy.buried;
  if (++copy.ends > 1) violated("settled for good twice", id, queue.name);
}

void Ledger::settled(std::uint64_t subscription, std::uint64_t number, std::uint16_t verdict, Duration delay,
                     std::int32_t status) {
  Session& session = sessions_[subscription];
  Queue& queue = *session.queue;
  const auto found = session.tokens.find(number);
  world_.note("settle", {{"subscription", subscription},
                         {"token", number},
                         {"verdict", verdict},
                         {"status", static_cast<std::uint64_t>(-status)}});
  if (found == session.tokens.end()) return violated("a verdict on an unknown token", number, queue.name);
  Token& token = found->second;
  Copy& copy = queue.copies[token.id];
  if (verdict == RST_VERDICT_EXTEND) {
    if (status >= 0 && session.opening.ack_timeout.count() > 0) {
      token.deadline = world_.now() + session.opening.ack_timeout;
    }
    return;
  }
  if (token.decided) violated("two verdicts on token " + std::to_string(number), token.id, queue.name);
  if (!token.decided) --session.open;
  token.decided = true;
  if (status < 0) {  // it was late: the copy goes on without it
    if (copy.subscription == subscription && copy.token == number && expired(copy)) expire(queue, copy, token.id);
    return;
  }
  if (token.settled) violated("the plugin took two verdicts on one token (S1)", token.id, queue.name);
  token.settled = true;
  if (copy.state != State::held || copy.subscription != subscription || copy.token != number) {
    return violated("a stale token was settled (S3)", token.id, queue.name);
  }
  const bool last = session.opening.max_attempts != 0 && token.attempt >= session.opening.max_attempts;
  const bool buries = session.opening.dead_letter;
  switch (verdict) {
    case RST_VERDICT_ACK: ++session.counts.acked; return end(queue, copy, token.id, false);
    case RST_VERDICT_REJECT: return end(queue, copy, token.id, buries);
    case RST_VERDICT_RETRY:
      if (last) return end(queue, copy, token.id, buries);
      ++session.counts.retried;
      ++copy.attempt;
      if (delay.count() == 0) return give_back(queue, copy, token.id);
      copy.state = State::delayed;
      copy.due = world_.now() + delay;
      return;
    default: ++session.counts.released; give_back(queue, copy, token.id);
  }
}

/// Whether a message in a line is no obstacle to the one behind it.
bool Ledger::passed(const Session& session, std::uint64_t number, std::uint64_t call) const {
  const Token& token = session.tokens.at(number);
  return token.decided || token.goes || token.broken || token.ended || (token.call != 0 && token.call == call);
}

void Ledger::started(std::uint64_t subscription, std::uint64_t number, Group::Order order, std::uint64_t call) {
  Session& session = sessions_[subscription];
  world_.note("start", {{"subscription", subscription}, {"token", number}});
  const auto token = session.tokens.find(number);
  if (token == session.tokens.end()) return world_.violated("a handler runs with an unknown token");
  const std::string& where = session.queue->name;
  if (token->second.decided) violated("handled after its verdict", token->second.id, where);
  if (token->second.call != 0) violated("handled twice", token->second.id, where);
  if (token->second.goes && session.opening.serves) {
    violated("handled although its partition goes (H6)", token->second.id, where);
  }
  if (order != Group::Order::none) {
    std::deque<std::uint64_t>* line = &session.all;
    if (order == Group::Order::by_key) {
      const auto known = known_.find(token->second.id);
      const auto keyed = session.by_key.find(known != known_.end() ? known->second.key : std::string());
      line = keyed != session.by_key.end() ? &keyed->second : nullptr;
    }
    while (line != nullptr && !line->empty() && passed(session, line->front(), call)) line->pop_front();
    if (line != nullptr && !line->empty() && line->front() != number) {
      const Token& first = session.tokens.at(line->front());
      violated("handled out of order, message " + std::to_string(first.id) +
                   (first.call != 0 ? " is being handled" : " comes first"),
               token->second.id, where);
    }
  }
  token->second.call = call;
}

void Ledger::ended(std::uint64_t subscription, std::uint64_t number) {
  world_.note("end", {{"subscription", subscription}, {"token", number}});
  sessions_[subscription].tokens[number].ended = true;
}

void Ledger::check_credit() const {
  for (const auto& [subscription, session] : sessions_) {
    if (session.closed) continue;
    const std::string who = "subscription " + std::to_string(subscription) + " of " + session.queue->name;
    if (session.open != 0) world_.violated(who + " has " + std::to_string(session.open) + " without a verdict");
    // Credit goes back when half the window has come together.
    const std::int64_t window = session.opening.window;
    if (session.credit <= window - std::max<std::int64_t>(1, window / 2)) {
      world_.violated(who + " has credit " + std::to_string(session.credit) + " left of " + std::to_string(window));
    }
    const auto bytes = static_cast<std::int64_t>(session.opening.window_bytes);
    if (session.credit_bytes <= bytes - std::max<std::int64_t>(1, bytes / 2)) {
      world_.violated(who + " has bytes " + std::to_string(session.credit_bytes) + " left of " + std::to_string(bytes));
    }
  }
}

void Ledger::check_ends() const {
  for (const Queue& queue : queues_) {
    for (const auto& [id, copy] : queue.copies) {
      const auto graves = graves_.find({queue.name, id});
      const std::size_t found = graves != graves_.end() ? graves->second.size() : 0;
      if (copy.ends != 1) {
        static constexpr const char* kStates[] = {"absent", "waiting", "held", "delayed", "final"};
        violated("lost, it was last " + std::string(kStates[static_cast<int>(copy.state)]), id, queue.name);
      } else if (found != copy.buried) {
        violated(std::to_string(found) + " dead letters instead of " + std::to_string(copy.buried), id, queue.name);
      }
    }
  }
  for (const auto& message : known_) {
    const auto holds = [&message](const Queue& queue) { return queue.copies.contains(message.first); };
    if (message.second.stored != 0 && std::ranges::none_of(queues_, holds)) world_.violated("a message is in no group");
  }
}

const Ledger::Counts* Ledger::counts(std::uint64_t subscription) const {
  const auto found = sessions_.find(subscription);
  return found != sessions_.end() ? &found->second.counts : nullptr;
}

}  // namespace ruststream::sim
