#include "host/instance.hpp"

#include "host/meter.hpp"
#include "host/specs.hpp"
#include "host/test.hpp"

#include <algorithm>

namespace conformance {
namespace {

std::uint64_t count(std::chrono::nanoseconds time) noexcept { return static_cast<std::uint64_t>(time.count()); }

OptionArray options(Test& test, const OptionTexts& texts) {
  auto made = OptionArray::make(test.plugin, texts);
  if (!made) Test::skip("the testkit does not fit the plugin: " + made.error());
  return std::move(*made);
}

}  // namespace

std::string Outcome::said() const { return code_name(code) + (text.empty() ? "" : ": " + text); }

bool Pending::done() const { return returned_ != RST_PENDING || instance_->host.completed(op_).has_value(); }

std::uint64_t Pending::order() const {
  const auto completed = returned_ == RST_PENDING ? instance_->host.completed(op_) : std::nullopt;
  return completed ? completed->order : 0;
}

Outcome Pending::wait() {
  if (returned_ != RST_PENDING) return now_;
  const auto limit = timeout_ + 1s;
  if (!instance_->test.wait([this] { return done(); }, limit)) {
    instance_->test.fail("C1", "a pending operation completes within its timeout and a second", "nothing came");
  }
  const Completed completed = *instance_->host.completed(op_);
  instance_->test.check();
  return {completed.code(), completed.flags(), completed.value, completed.text};
}

Instance::Instance(Test& of, Shape shape) : test(of), host(*new Host(of.plugin, of.ledger, shape)) {
  const Lent<rst_init_args> args("rst_init_args");
  args->struct_size = sizeof(rst_init_args);
  Lent<rst_error> error("rst_error");
  if (test.simulated()) host.simulated_ns = test.now().count();
  const std::int32_t status =
      test.inside("init", [&] { return table().init(host.table(), args.get(), &instance_, error.get()); });
  if (status != RST_DONE) {
    test.fail(shape == Shape::usual ? "L3" : "V3", "init makes an instance",
              code_name(-status) + ": " + std::string(error->text, error->text_len));
  }
  test.instances_.push_back(this);
  test.step();
}

Instance::~Instance() {
  if (instance_ == nullptr) return;
  try {
    (void)deinit();
  } catch (const CaseEnded&) {  // the ledger says why: the case ends where it looks next
    std::erase(test.instances_, this);
    (void)owned_.release();
  }
}

const rst_plugin& Instance::table() const noexcept { return test.plugin.table(); }

Outcome Instance::deinit() {
  const std::vector<Connection> open = [this] {
    const std::scoped_lock lock(open_mutex_);
    return std::exchange(open_, {});
  }();
  for (const Connection& each : open) (void)each.close().wait();
  host.on_deliver = {};
  host.drop_messages();
  std::erase(test.instances_, this);
  Lent<rst_error> error("rst_error");
  const std::int32_t status =
      test.inside("deinit", [&] { return table().deinit(std::exchange(instance_, nullptr), error.get()); });
  return {std::max(0, -status), error->flags, 0, std::string(error->text, error->text_len)};
}

Pending Instance::call(std::string name, std::uint64_t connection, std::chrono::nanoseconds timeout,
                       const std::function<std::int32_t(std::uint64_t, std::uint64_t&, rst_error*)>& verb,
                       Host::WhenOver when_over) {
  const std::uint64_t op = host.start_operation(name, connection);
  Outcome now;
  const std::int32_t returned = call(name, [&](rst_error* error) { return verb(op, now.value, error); }, &now);
  host.returned(op, returned, std::move(when_over));
  now.code = std::max(0, -returned);
  test.check();
  return {*this, op, returned, std::move(now), timeout};
}

std::int32_t Instance::call(std::string_view name, const std::function<std::int32_t(rst_error*)>& verb, Outcome* told) {
  Lent<rst_error> error("rst_error");
  const Meter meter;
  const std::int32_t returned = test.inside(name, [&] { return verb(error.get()); });
  if (const auto asleep = meter.asleep(); asleep > kMayWait && test.together_ == 0) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(asleep).count();
    test.ledger.note("B1", "no verb waits (" + std::to_string(kMayWait.count()) + " ms are allowed)",
                     std::string(name) + " waited for " + std::to_string(ms) + " ms");
  }
  if (returned > RST_PENDING) {
    test.ledger.note("cap", "a verb returns DONE, PENDING or minus a code",
                     std::string(name) + " returned " + std::to_string(returned));
  }
  if (returned < 0) host.check_error(name, returned, *error);
  if (told != nullptr && returned < 0) {
    told->flags = error->flags;
    told->text.assign(error->text, error->text_len);
  }
  return returned;
}

std::pair<Connection, Pending> Instance::try_connect(const Connect& wanted) {
  const auto set = std::make_shared<OptionArray>(
      options(test, joined(wanted.url ? test.testkit.options : test.connection_options(), wanted.options)));
  const auto url = std::make_shared<Lent<char>>(lend_bytes(wanted.url.value_or(test.url()), "rst_connection_spec.url"));
  Lent<rst_connection_spec> spec("rst_connection_spec");
  Connection made{this, host.name_connection(), 0};
  spec->struct_size = sizeof(rst_connection_spec);
  spec->flags = wanted.flags;
  spec->id = made.id;
  spec->url = {url->get(), url->size()};
  spec->client_name = str("ruststream-conformance");
  spec->options = set->data();
  spec->option_count = set->size();
  spec->timeout_ns = count(wanted.timeout);
  Pending pending =
      call("connect", made.id, wanted.timeout, [&](std::uint64_t op, std::uint64_t& value, rst_error* error) {
        spec->op = op;
        const std::int32_t returned = table().connect(instance_, spec.get(), &made.handle, error);
        value = made.handle;
        return returned;
      });
  return {made, pending};
}

Connection Instance::connect(const Connect& wanted) {
  auto [made, pending] = try_connect(wanted);
  const Outcome outcome = pending.wait();
  test.expect(outcome.ok(), "R1", "connect succeeds", outcome.said());
  made.handle = outcome.value;
  const std::scoped_lock lock(open_mutex_);
  open_.push_back(made);
  return made;
}

std::int32_t Instance::answer(std::uint64_t answer, std::int32_t status) {
  if (table().answer == nullptr) test.fail("G1", "a plugin whose events wait for an answer has answer", "it has none");
  const std::int32_t returned =
      call("answer", [&](rst_error* error) { return table().answer(instance_, answer, status, nullptr, 0, error); });
  test.check();
  return std::max(0, -returned);
}

std::optional<Event> Instance::await_event(std::uint32_t kind, std::uint64_t subject, std::chrono::nanoseconds at_most,
                                           std::uint32_t outdated) {
  std::optional<Event> event;
  (void)test.wait([&] { return (event = host.take_event(kind, subject, outdated)).has_value(); }, at_most);
  return event;
}

Connection& Instance::connection() {
  if (!connection_) connection_ = connect();
  return *connection_;
}

std::pair<Subscription, Pending> Instance::try_subscribe(const Subscribe& wanted) {
  const Connection on = wanted.connection ? *wanted.connection : connection();
  const Kind& kind = test.plugin.kinds()[wanted.kind.value_or(test.kind.index)];
  const SubscriptionSpec spec(test, kind, wanted);
  Subscription made{this, 0, 0, &kind};
  Pending pending =
      call("subscribe", on.id, wanted.timeout, [&](std::uint64_t op, std::uint64_t& value, rst_error* error) {
        made.id = host.name_subscription(on.id, op, {wanted.credit, wanted.credit_bytes}, wanted.max_batch,
                                         kind.can(RST_CAP_SETTLE));
        spec->id = made.id;
        spec->op = wanted.completes ? op : 0;
        const std::int32_t returned = table().subscribe(instance_, on.handle, spec.get(), &made.handle, error);
        value = made.handle;
        return wanted.completes ? returned : std::min(returned, RST_DONE);
      });
  return {made, pending};
}

Subscription Instance::subscribe(const Subscribe& wanted) {
  auto [made, pending] = try_subscribe(wanted);
  const Outcome outcome = pending.wait();
  test.expect(outcome.ok(), "cap", "subscribe succeeds", outcome.said());
  made.handle = outcome.value;
  return made;
}

std::pair<Publisher, Pending> Instance::try_publisher(const OpenPublisher& wanted) {
  const Connection on = wanted.connection ? *wanted.connection : connection();
  const Kind& kind = test.plugin.kinds()[wanted.kind.value_or(test.publish_kind.index)];
  const PublisherSpec spec(test, kind, wanted);
  Publisher made{this, host.name_publisher(on.id), 0, on.id, &kind};
  spec->id = made.id;
  Pending pending =
      call("open_publisher", on.id, wanted.timeout, [&](std::uint64_t op, std::uint64_t& value, rst_error* error) {
        spec->op = op;
        const std::int32_t returned = table().open_publisher(instance_, on.handle, spec.get(), &made.handle, error);
        value = made.handle;
        return returned;
      });
  return {made, pending};
}

Publisher Instance::publisher(const OpenPublisher& wanted) {
  auto [made, pending] = try_publisher(wanted);
  const Outcome outcome = pending.wait();
  test.expect(outcome.ok(), "cap", "open_publisher succeeds", outcome.said());
  made.handle = outcome.value;
  return made;
}

Pending Instance::close(std::uint64_t id, std::uint64_t connection, std::uint64_t handle, std::uint32_t flags,
                        std::chrono::nanoseconds timeout) {
  {
    const std::scoped_lock lock(open_mutex_);
    std::erase_if(open_, [&](const Connection& each) { return each.id == id; });
  }
  return call(
      "close", id == connection ? 0 : connection, timeout,
      [&](std::uint64_t op, std::uint64_t& value, rst_error* error) {
        value = 0;
        return table().close(instance_, handle, flags, count(timeout), op, error);
      },
      [this, id](std::int32_t code) {
        // One that was refused because it is closing already says nothing about when that is over.
        if (code != RST_E_CLOSED && code != RST_E_STALE) host.forget(id);
      });
}

Pending Connection::close(std::uint32_t flags, std::chrono::nanoseconds timeout) const {
  return instance->close(id, id, handle, flags, timeout);
}

}  // namespace conformance
