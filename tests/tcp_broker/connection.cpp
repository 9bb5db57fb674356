// The I/O thread's side of a connection: one session after the other, and what outlives them.
#include "broker.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tcp {
namespace {

constexpr Time kNever = Time::max();
constexpr int kSilences = 4;  // so many times `keepalive` without a byte are a loss

rst_error error_of(std::int32_t code, std::uint32_t flags, std::string_view why) {
  rst_error error{};
  sdk::fill_error(error, code, flags, why);
  return error;
}

Time after(std::uint64_t timeout_ns) {
  return Clock::now() + (timeout_ns != 0 ? std::chrono::nanoseconds(timeout_ns) : std::chrono::nanoseconds(kOpTimeout));
}

/// Of what fails because the server is away, or slow.
std::uint32_t flags_of(bool sent) {
  const std::uint32_t maybe = sent && !is(hides_that_it_may_be_there) ? RST_ERROR_MAYBE_APPLIED : 0U;
  return maybe | (is(fails_for_ever) ? 0U : RST_ERROR_RETRYABLE);
}

}  // namespace

void Broker::wait(int descriptor) {
  std::vector<pollfd> all{{descriptor, POLLIN, 0}};
  std::vector<std::uint64_t> ids;
  Time due = kNever;
  for (const auto& [id, connection] : connections) {
    all.push_back(connection->wanted());
    ids.push_back(id);
    due = std::min(due, connection->next_deadline());
  }
  int timeout = -1;
  if (due != kNever) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now());
    timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
  }
  (void)::poll(all.data(), all.size(), timeout);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto found = connections.find(ids[i]);
    if (found == connections.end()) continue;
    Connection& connection = *found->second;
    if (!connection.try_pin()) continue;
    connection.serve(all[i + 1].revents);
    if (connections.contains(ids[i])) connection.look_at_the_clock();
    connection.unpin();
  }
}

bool Broker::publishing() const {
  return std::ranges::any_of(connections, [](const auto& each) { return each.second->publishing(); });
}

Broker::Connection::~Connection() {
  if (socket_ >= 0) ::close(socket_);
}

void Broker::Connection::begin() {
  broker.connections.emplace(id(), this);
  open_deadline_ = Clock::now() + timeout_;
  attempt();
}

void Broker::Connection::attempt() {
  next_attempt_ = kNever;
  attempt_deadline_ = Clock::now() + kAttemptLimit;
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return lost(std::strerror(errno));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  (void)::inet_pton(AF_INET, host_name_.c_str(), &address.sin_addr);
  const int on = 1;
  (void)::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS)
    return lost(std::strerror(errno));
  state_ = State::connecting;
}

pollfd Broker::Connection::wanted() const {
  const bool writes = state_ == State::connecting || !out_.empty();
  return {socket_, static_cast<short>((state_ == State::connecting ? 0 : POLLIN) | (writes ? POLLOUT : 0)), 0};
}

void Broker::Connection::serve(short ready) {
  if (socket_ < 0) return;
  if (ready != 0 && state_ == State::connecting) {
    int why = 0;
    socklen_t size = sizeof why;
    (void)::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &why, &size);
    if (why != 0) return lost(std::strerror(why));
    state_ = State::greeting;
    Frame(out_, 'H').text(token_);
    if (is(connects_without_an_answer)) return up();
  }
  if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0 && state_ != State::connecting) read();
  if (socket_ >= 0 && state_ != State::connecting) write();
}

void Broker::Connection::write() {
  while (!out_.empty()) {
    const ssize_t put = ::send(socket_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (put < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (put < 0) return lost(std::strerror(errno));
    out_.erase(0, static_cast<std::size_t>(put));
  }
}

void Broker::Connection::read() {
  constexpr std::size_t kMost = 64 * 1024;
  std::array<char, kMost> buffer;
  const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) return lost(std::strerror(errno));
  if (got == 0) return lost("the server closed the connection");
  heard_ = Clock::now();
  in_.append(buffer.data(), static_cast<std::size_t>(got));
  std::string_view left = in_;
  const std::uint64_t of = session_;
  while (left.size() >= 5) {
    std::string_view head = left;
    const auto length = take<std::uint32_t>(head);
    if (length == 0 || length > kLongestFrame) return lost("the server sent what is no frame");
    if (head.size() < length) break;
    frame(head[0], head.substr(1, length - 1));
    if (session_ != of || socket_ < 0) return;
    left.remove_prefix(4 + length);
  }
  in_.erase(0, in_.size() - left.size());
  for (const auto& [each, subscription] : subscriptions) subscription->pump();
  published();
}

void Broker::Connection::frame(char type, std::string_view body) {
  switch (type) {
    case 'O':
      if (state_ == State::greeting) up();
      return;
    case 'X': return refused();
    case 'S': return subscribed(take<std::uint64_t>(body));
    case 'C': return unsubscribed(take<std::uint64_t>(body));
    case 'M': return deliver(body);
    case 'P':
      if (const auto found = unconfirmed_.find(take<std::uint64_t>(body)); found != unconfirmed_.end())
        final_status(found, RST_OK);
      return;
    default: return;  // alive
  }
}

void Broker::Connection::up() {
  state_ = State::up;
  heard_ = asked_ = Clock::now();
  backoff_.reset();
  refusals_in_a_row_ = 0;
  if (!std::exchange(was_up_, true)) opened();
  rst_event event = sdk::Host::event(RST_EVENT_CONN_UP, about());
  event.text = sdk::rst(host_name_);
  host().send(event);
  for (const auto& [each, subscription] : subscriptions) {
    if (!(is(resumes_nothing) && subscription->is_open)) subscribe(*subscription);
  }
  for (auto& [number, message] : unconfirmed_) {  // all of them again: in order, and at least once
    out_ += message.frame;
    message.sent = true;
  }
}

void Broker::Connection::refused() {
  const bool enough = ++refusals_in_a_row_ >= auth_attempts_ || (!was_up_ && !keeps_trying_);
  if (enough && !is(never_gives_up))
    return fail_for_good(RST_E_UNAUTHENTICATED, RST_ERROR_AUTH | RST_ERROR_USER, "the server refuses the token");
  lost("the server refuses the token");
}

/// The session is over, or never came to be.
void Broker::Connection::lost(std::string_view why) {
  const bool ended_session = state_ == State::up;
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  in_.clear();
  out_.clear();
  ++session_;
  state_ = State::away;
  if (ended_session) {
    const rst_error error = error_of(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE, why);
    rst_event event = sdk::Host::event(RST_EVENT_CONN_DOWN, about());
    event.error = &error;
    if (!is(says_nothing_of_a_loss)) host().send(event);
    for (const auto& [each, subscription] : subscriptions) subscription->session_over();
    std::vector<std::uint64_t> leaving;  // the server has taken back what they had
    for (const auto& [each, subscription] : subscriptions)
      if (subscription->closing) leaving.push_back(each);
    for (const std::uint64_t each : leaving) unsubscribed(each);
    if (is(forgets_what_is_pending)) unconfirmed_.clear();
    while (is(confirms_what_was_cut) && !unconfirmed_.empty()) final_status(unconfirmed_.begin(), RST_OK);
    published();
  }
  if (!was_up_ && !keeps_trying_) {
    (void)ended_while_opening(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE, why);
    return;
  }
  try_later();
}

void Broker::Connection::try_later() {
  const auto delay = backoff_.next();
  next_attempt_ = Clock::now() + (is(tries_without_spacing) ? 0ns : delay);
  if (!was_up_) return;
  rst_event event = sdk::Host::event(RST_EVENT_CONN_RETRYING, about());
  event.value = backoff_.attempts();
  host().send(event);
}

/// Of a connection that the host does not have yet. It may be gone when this returns true.
bool Broker::Connection::ended_while_opening(std::int32_t code, std::uint32_t flags, std::string_view why) {
  if (was_up_) return false;
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  state_ = State::failed;
  broker.connections.erase(id());
  open_failed(error_of(code, flags, why));
  return true;
}

void Broker::Connection::fail_for_good(std::int32_t code, std::uint32_t flags, std::string_view why) {
  if (ended_while_opening(code, flags, why)) return;
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  state_ = State::failed;
  next_attempt_ = kNever;
  const rst_error error = error_of(code, flags | RST_ERROR_FATAL, why);
  rst_event event = sdk::Host::event(RST_EVENT_CONN_FAILED, about());
  event.error = &error;
  host().send(event);
  while (!unconfirmed_.empty()) {
    const std::uint32_t maybe = unconfirmed_.begin()->second.sent ? RST_ERROR_MAYBE_APPLIED : 0U;
    final_status(unconfirmed_.begin(), rst_status(code, flags | maybe));
  }
  published();
}

void Broker::Connection::add(Subscription& subscription) {
  subscriptions.emplace(subscription.id(), &subscription);
  subscription.deadline = after(subscription.timeout_ns);
  if (state_ == State::up) subscribe(subscription);
}

void Broker::Connection::subscribe(const Subscription& subscription) {
  Frame(out_, 'S')
      .number(subscription.id())
      .number(subscription.window)
      .text(subscription.address)
      .text(subscription.group);
}

void Broker::Connection::subscribed(std::uint64_t id) {
  const auto found = subscriptions.find(id);
  if (found == subscriptions.end() || found->second->is_open) return;
  found->second->is_open = true;
  found->second->deadline = kNever;
  found->second->opened();
}

void Broker::Connection::close(Subscription& subscription, std::uint64_t timeout_ns) {
  subscription.closing = true;
  subscription.deadline = after(timeout_ns);
  subscription.waiting.clear();
  if (state_ != State::up) return unsubscribed(subscription.id());
  Frame(out_, 'C').number(subscription.id());
}

void Broker::Connection::unsubscribed(std::uint64_t id) {
  const auto found = subscriptions.find(id);
  if (found == subscriptions.end() || !found->second->closing) return;
  Subscription& subscription = *found->second;
  subscriptions.erase(found);
  subscription.tokens.void_all([](Delivery&&) {});
  subscription.closed();
}

void Broker::Connection::deliver(std::string_view body) {
  const auto to = subscriptions.find(take<std::uint64_t>(body));
  Delivery delivery;
  delivery.number = take<std::uint64_t>(body);
  delivery.session = session_;
  delivery.attempt = take<std::uint16_t>(body);
  delivery.payload = body;
  if (to == subscriptions.end() || to->second->closing) {
    Frame(out_, 'A').number(delivery.number).number(std::uint8_t{RST_VERDICT_RELEASE});
    return;
  }
  if (is(settles_by_itself)) Frame(out_, 'A').number(delivery.number).number(std::uint8_t{RST_VERDICT_ACK});
  to->second->waiting.push_back(std::move(delivery));
}

void Broker::Connection::settle(const std::vector<Verdict>& verdicts) {
  if (is(publishing_delays_settling) && broker.publishing())
    return broker.post(id(), [verdicts](Connection& self) { self.settle(verdicts); });
  for (const Verdict& each : verdicts) {
    if (state_ != State::up || (each.session != session_ && !is(honours_old_tokens))) continue;
    Frame(out_, 'A').number(each.number).number(static_cast<std::uint8_t>(each.verdict));
  }
}

void Broker::Connection::publish(std::vector<Outgoing> messages) {
  for (Outgoing& each : messages) {
    std::uint64_t number = ++last_number_;
    for (std::size_t i = 0; i < sizeof number; ++i)  // behind length and type
      each.frame[5 + i] = static_cast<char>(number >> (8 * (sizeof number - 1 - i)));
    each.sent = state_ == State::up;
    if (each.sent) (is(confirms_what_it_only_holds) ? held_ : out_) += each.frame;
    const auto made = unconfirmed_.emplace(number, std::move(each)).first;
    if (is(confirms_what_it_only_holds)) final_status(made, RST_OK);
  }
  if (state_ != State::failed) return;
  while (!unconfirmed_.empty()) final_status(unconfirmed_.begin(), rst_status(RST_E_UNAVAILABLE, RST_ERROR_FATAL));
  published();
}

/// Takes it out, and completes its publication when it was the last. Call published() afterwards.
void Broker::Connection::final_status(std::map<std::uint64_t, Outgoing>::iterator message, std::int32_t status) {
  const std::shared_ptr<Publication> of = std::move(message->second.of);
  const std::uint64_t bytes = message->second.frame.size();
  if (of->statuses != nullptr) of->statuses[message->second.index] = status;
  of->failed += status < 0 ? 1U : 0U;
  unconfirmed_.erase(message);
  {
    const std::scoped_lock lock(room_mutex);
    --outstanding;
    outstanding_bytes -= bytes;
  }
  if (--of->left != 0) return;
  if (of->op != 0) return host().complete(of->op);
  const auto found = publishers.find(of->publisher);
  if (of->failed == 0 || found == publishers.end()) return;
  const rst_error error = error_of(rst_status_code(status), rst_status_flags(status), "messages were not stored");
  rst_event event = sdk::Host::event(RST_EVENT_PUB_FAILED, found->second->about());
  event.error = &error;
  event.value = of->failed;
  host().send(event);
}

void Broker::Connection::published() {
  const auto first_of = [this](std::uint64_t publisher) {
    for (const auto& [number, message] : unconfirmed_)
      if (message.of->publisher == publisher) return number;
    return UINT64_MAX;
  };
  bool room = false;
  {
    const std::scoped_lock lock(room_mutex);
    room = outstanding < kMostOutstanding && outstanding_bytes < kMostOutstandingBytes;
  }
  if (room) refusals.wake();
  std::vector<Publisher*> over;
  for (const auto& [each, publisher] : publishers) {
    if (publisher->flushes.empty() && !publisher->closing) continue;
    const std::uint64_t first = first_of(each);
    std::erase_if(publisher->flushes, [&](const Publisher::Flush& flush) {
      if (flush.up_to < first) host().complete(flush.op);
      return flush.up_to < first;
    });
    if (publisher->closing && first == UINT64_MAX) over.push_back(publisher);
  }
  for (Publisher* const each : over) {
    publishers.erase(each->id());
    each->closed(each->dropped);
  }
}

void Broker::Connection::flush(std::uint64_t publisher, std::uint64_t timeout_ns, std::uint64_t op) {
  const auto found = publishers.find(publisher);
  if (found == publishers.end()) return host().fail(op, error_of(RST_E_CLOSED, 0, "the publisher is closed"));
  found->second->flushes.push_back({op, last_number_, after(timeout_ns)});
  published();
}

void Broker::Connection::close(Publisher& publisher, bool abort, std::uint64_t timeout_ns) {
  publisher.closing = true;
  publisher.deadline = abort ? Clock::now() : after(timeout_ns);
  if (abort) expire(Clock::now());
  published();
}

Time Broker::Connection::next_deadline() const {
  Time due = state_ == State::away ? next_attempt_ : kNever;
  if (!was_up_) due = std::min(due, open_deadline_);
  if (state_ == State::connecting || state_ == State::greeting) due = std::min(due, attempt_deadline_);
  if (state_ == State::up) due = std::min({due, asked_ + keepalive_, heard_ + kSilences * keepalive_});
  for (const auto& [number, message] : unconfirmed_) due = std::min(due, message.of->deadline);
  for (const auto& [each, subscription] : subscriptions)
    if (!subscription->is_open || subscription->closing) due = std::min(due, subscription->deadline);
  for (const auto& [each, publisher] : publishers) {
    for (const Publisher::Flush& flush : publisher->flushes) due = std::min(due, flush.deadline);
    if (publisher->closing) due = std::min(due, publisher->deadline);
  }
  return due;
}

void Broker::Connection::look_at_the_clock() {
  const Time now = Clock::now();
  if (!was_up_ && now >= open_deadline_) {
    (void)ended_while_opening(RST_E_TIMEOUT, RST_ERROR_RETRYABLE, "the server did not answer in time");
    return;
  }
  if ((state_ == State::connecting || state_ == State::greeting) && now >= attempt_deadline_)
    lost("the server does not answer");
  if (state_ == State::away && now >= next_attempt_) attempt();
  if (!broker.connections.contains(id())) return;
  if (state_ == State::up && now >= heard_ + kSilences * keepalive_) lost("the server says nothing any more");
  if (state_ == State::up && now >= asked_ + keepalive_) {
    asked_ = now;
    out_ += std::exchange(held_, {});
    Frame(out_, 'I');
  }
  expire(now);
  if (state_ == State::up) write();
}

/// Ends what has waited for too long (rules C1, R2).
void Broker::Connection::expire(Time now) {
  for (auto at = unconfirmed_.begin(); at != unconfirmed_.end();) {
    const auto message = at++;
    const auto publisher = publishers.find(message->second.of->publisher);
    const bool closed =
        publisher != publishers.end() && publisher->second->closing && now >= publisher->second->deadline;
    if (!closed && now < message->second.of->deadline) continue;
    const bool sent = message->second.sent;
    if (closed) ++publisher->second->dropped;
    final_status(message, rst_status(closed && !sent ? RST_E_CANCELLED : RST_E_TIMEOUT, flags_of(sent)));
  }
  std::vector<std::uint64_t> over;
  for (const auto& [each, subscription] : subscriptions)
    if ((!subscription->is_open || subscription->closing) && now >= subscription->deadline) over.push_back(each);
  for (const std::uint64_t each : over) {
    Subscription& subscription = *subscriptions.at(each);
    if (state_ == State::up) Frame(out_, 'C').number(each);  // it may be there, or come to be there
    if (subscription.is_open || subscription.closing) {
      subscription.closing = true;
      unsubscribed(each);
    } else {
      subscriptions.erase(each);
      subscription.open_failed(error_of(RST_E_TIMEOUT, flags_of(false), "the server did not answer in time"));
    }
  }
  for (const auto& [each, publisher] : publishers) {
    std::erase_if(publisher->flushes, [&](const Publisher::Flush& flush) {
      const bool late = now >= flush.deadline;
      if (late) host().fail(flush.op, error_of(RST_E_TIMEOUT, flags_of(false), "not all is stored in time"));
      return late;
    });
  }
  published();
}

}  // namespace tcp
