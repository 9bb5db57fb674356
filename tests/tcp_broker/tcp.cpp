// The verbs, on the host's threads: they say what they want and return.
#include "broker.hpp"

#include <atomic>
#include <charconv>
#include <thread>
#include <unistd.h>

namespace tcp {

const volatile Variant kVariant = {"this variant is", 0};

namespace {

struct Place {
  std::string host;
  std::uint16_t port = 0;
};
std::optional<Place> place_of(std::string_view url) {
  constexpr std::string_view kScheme = "tcp://";
  if (!url.starts_with(kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  const std::size_t colon = url.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  Place place{std::string(url.substr(0, colon)), 0};
  if (place.host == "localhost") place.host = "127.0.0.1";
  const std::string_view digits = url.substr(colon + 1);
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), place.port);
  if (failed != std::errc() || end != digits.data() + digits.size() || place.port == 0) return std::nullopt;
  return place;
}

/// A group that nobody else is in.
std::string group_of_its_own() {
  static std::atomic<std::uint64_t> last{0};
  return "~" + std::to_string(::getpid()) + "." + std::to_string(++last);
}

sdk::Options options_of(const rst_connection_spec& spec) { return {Broker::kOptions, spec.options, spec.option_count}; }

template <std::size_t Index>
std::chrono::nanoseconds duration(const rst_connection_spec& spec) {
  return std::chrono::nanoseconds(options_of(spec)[Index].nanoseconds());
}

}  // namespace

void Broker::validate(const rst_connection_spec& spec, sdk::Plan&, sdk::Report& report) {
  if (!place_of(sdk::view(spec.url))) report.issue(RST_E_INVALID, "the url is not tcp://HOST:PORT");
}

void Broker::validate(const rst_subscription_spec& spec, sdk::Plan& plan, sdk::Report& report) {
  if (spec.address_count != 1) report.issue(RST_E_INVALID, "a subscription has one address");
  if (spec.durable.len != 0) report.issue(RST_E_UNSUPPORTED, "there are no durable subscriptions; name a group");
  if (spec.start_count != 0) report.issue(RST_E_UNSUPPORTED, "a queue has no start position");
  plan.max_unsettled = spec.window_messages != 0 ? spec.window_messages : kWindow;
  plan.max_payload = kLongestPayload;
}

Broker::Connection::Connection(const sdk::Birth& birth, Broker& owner, const rst_connection_spec& spec)
    : sdk::Connection(birth),
      broker(owner),
      host_name_(place_of(sdk::view(spec.url))->host),
      port_(place_of(sdk::view(spec.url))->port),
      token_(options_of(spec)[sdk::index_of(kOptions, RST_OPT_TOKEN)].text()),
      auth_attempts_(options_of(spec)[sdk::index_of(kOptions, RST_OPT_RECONNECT_AUTH_ATTEMPTS)].u64()),
      keepalive_(duration<sdk::index_of(kOptions, RST_OPT_KEEPALIVE)>(spec)),
      keeps_trying_((spec.flags & RST_CONNECT_RETRY_INITIAL) != 0 && !is(gives_up_at_once)),
      timeout_(spec.timeout_ns != 0 ? std::chrono::nanoseconds(spec.timeout_ns) : std::chrono::nanoseconds(kOpTimeout)),
      backoff_(duration<sdk::index_of(kOptions, RST_OPT_RECONNECT_DELAY)>(spec),
               duration<sdk::index_of(kOptions, RST_OPT_RECONNECT_MAX_DELAY)>(spec)) {}

std::int32_t Broker::Connection::open(sdk::ErrorOut) {
  broker.io.post([this] { begin(); });  // it cannot end before this has run
  return RST_PENDING;
}

void Broker::Connection::on_close(bool, std::uint64_t) {
  broker.post(id(), [](Connection& self) {
    self.broker.connections.erase(self.id());
    self.closed();
  });
}

Broker::Subscription::Subscription(const sdk::Birth& birth, Broker& owner, Broker::Connection& parent,
                                   const rst_subscription_spec& spec)
    : sdk::Subscription(birth),
      broker(owner),
      on(parent.id()),
      window(spec.window_messages != 0 ? spec.window_messages : kWindow),
      address(sdk::view(spec.addresses[0])),
      group(spec.group.len != 0 ? std::string(sdk::view(spec.group)) : group_of_its_own()),
      tokens(window),
      pool(sdk::BatchPool<>::make(spec.max_batch)),
      timeout_ns(spec.timeout_ns),
      first_credit{spec.credit_messages, spec.credit_bytes} {}

std::int32_t Broker::Subscription::open(sdk::ErrorOut) {
  broker.post(on, [this](Connection& connection) { connection.add(*this); });  // it cannot end before
  return RST_PENDING;
}

void Broker::Subscription::on_credit() {
  broker.post(on, [id = id()](Connection& connection) {
    if (const auto found = connection.subscriptions.find(id); found != connection.subscriptions.end())
      found->second->pump();
  });
}

std::int32_t Broker::Subscription::settle(const rst_settle& call, sdk::ErrorOut) {
  std::vector<Connection::Verdict> verdicts_taken;
  (void)sdk::settle_each(call, verdicts(), tokens, [&](const rst_settlement& item, const Delivery& delivery) {
    verdicts_taken.push_back({delivery.number, delivery.session, item.verdict});
    return RST_OK;
  });
  if (!verdicts_taken.empty())
    broker.post(on, [taken = std::move(verdicts_taken)](Connection& connection) { connection.settle(taken); });
  return RST_DONE;
}

void Broker::Subscription::on_close(bool, std::uint64_t close_timeout_ns) {
  // Told a second time it may have ended before this is run.
  const bool first = !close_told.exchange(true);
  broker.post(on, [this, id = id(), first, close_timeout_ns](Connection& connection) {
    const auto found = connection.subscriptions.find(id);
    if (found != connection.subscriptions.end()) {
      connection.close(*found->second, close_timeout_ns);
    } else if (first) {
      closed();  // its open had failed
    }
  });
}

void Broker::Subscription::pump() {
  if (!is_open || closing || !try_pin()) return;
  sdk::pump(
      *this, *pool, tokens,
      [this](sdk::Batch<>& batch, std::uint32_t most) {
        for (; batch.size() != most && !waiting.empty() && !tokens.full(); waiting.pop_front()) {
          Delivery& next = waiting.front();
          rst_message& out =
              batch.add(batch.slab().copy(next.payload.data(), next.payload.size()), next.payload.size());
          out.flags = RST_MESSAGE_PADDED;
          out.attempt = next.attempt;
          out.token = tokens.issue(std::move(next));
        }
      },
      [this](Delivery&& delivery) { waiting.push_front(std::move(delivery)); });
  unpin();
}

void Broker::Subscription::session_over() {
  waiting.clear();
  if (is(loses_its_balance)) (void)credit().drain(0);
  if (is(adds_to_its_balance)) credit().add(first_credit.first, first_credit.second);
  if (is(honours_old_tokens)) return;
  tokens.void_all([](Delivery&&) {});
  (void)next_generation();
}

Broker::Publisher::Publisher(const sdk::Birth& birth, Broker& owner, Broker::Connection& parent,
                             const rst_publisher_spec& spec)
    : sdk::Publisher(birth), broker(owner), on(parent), destination(sdk::view(spec.destination)) {}

void Broker::Publisher::on_open() noexcept {
  broker.post(on.id(), [this](Connection& connection) { connection.add(*this); });
}

std::int32_t Broker::Publisher::publish(rst_publish& call, sdk::ErrorOut error) {
  auto of = std::make_shared<Publication>();
  std::vector<Outgoing> messages;
  std::unique_lock lock(on.room_mutex);
  const std::int32_t result =
      sdk::publish_each(call, *this, on.refusals, error, [&](const rst_out_message& message, std::uint32_t index) {
        const std::string_view to = sdk::destination_of(message, destination);
        if (to.empty()) return -RST_E_INVALID;
        if (sdk::has_meta(message)) return -RST_E_UNSUPPORTED;
        if (on.outstanding >= kMostOutstanding || on.outstanding_bytes >= kMostOutstandingBytes)
          return -RST_E_BACKPRESSURE;
        std::string frame;
        Frame(frame, 'P').number(std::uint64_t{0}).text(to).rest(sdk::payload_of(message));
        ++on.outstanding;
        on.outstanding_bytes += frame.size();
        messages.push_back({of, index, std::move(frame)});
        return RST_OK;
      });
  lock.unlock();
  if (result < 0 || messages.empty()) return result;
  of->op = call.op;
  of->publisher = id();
  of->statuses = call.op != 0 ? call.statuses : nullptr;
  of->left = static_cast<std::uint32_t>(messages.size());
  const std::chrono::nanoseconds timeout =
      call.timeout_ns != 0 ? std::chrono::nanoseconds(call.timeout_ns) : kOpTimeout;
  of->deadline = Clock::now() + timeout;
  broker.post(on.id(),
              [all = std::move(messages)](Connection& connection) mutable { connection.publish(std::move(all)); });
  for (int i = 0; is(waits_for_the_peer) && i < 500; ++i) {
    if (lock.lock(); on.outstanding == 0) break;
    lock.unlock();
    std::this_thread::sleep_for(1ms);
  }
  return call.op != 0 ? RST_PENDING : RST_DONE;
}

std::int32_t Broker::Publisher::flush(std::uint64_t timeout_ns, std::uint64_t op, sdk::ErrorOut) {
  broker.post(on.id(), [publisher = id(), timeout_ns, op](Connection& connection) {
    connection.flush(publisher, timeout_ns, op);
  });
  return RST_PENDING;
}

void Broker::Publisher::on_close(bool abort, std::uint64_t timeout_ns) {
  broker.post(on.id(), [id = id(), abort, timeout_ns](Connection& connection) {
    if (const auto found = connection.publishers.find(id); found != connection.publishers.end())
      connection.close(*found->second, abort, timeout_ns);
  });
}

}  // namespace tcp

using TcpBroker = tcp::Broker;
RUSTSTREAM_PLUGIN(TcpBroker, "org.example.tcp", "0.1.0", "tcp");
