#include "host/test.hpp"

#include "host/doing.hpp"
#include "host/out_array.hpp"
#include "host/topology.hpp"
#include "proxy/proxy.hpp"

#include <algorithm>
#include <exception>
#include <latch>
#include <thread>

namespace conformance {
namespace {

const Kind& publish_kind_of(const Plugin& plugin, const Kind& kind, const Testkit& testkit) {
  const std::string& named = testkit.kind(kind.name).publish_kind;
  const Kind* const found = named.empty() ? &kind : plugin.find_kind(named);
  return found != nullptr ? *found : kind;
}

std::string filled(std::string text, std::string_view place, std::string_view with) {
  for (std::size_t at = text.find(place); at != std::string::npos; at = text.find(place, at + with.size())) {
    text.replace(at, place.size(), with);
  }
  return text;
}

}  // namespace

Test::Test(const Plugin& of, const Kind& about, const Testkit& with, std::string name, std::uint64_t from)
    : plugin(of),
      kind(about),
      publish_kind(publish_kind_of(of, about, with)),
      testkit(with),
      seed(from),
      random(from),
      name_(std::move(name)) {
  if (plugin.extension<rst_sim>(RST_EXT_SIM) != nullptr) {
    now_ns_ = std::chrono::system_clock::now().time_since_epoch().count();
  }
}

Test::~Test() = default;

std::string Test::address(std::string_view name) {
  (void)object(name);
  return filled(filled(testkit.address, "{case}", name_), "{name}", name);
}

std::string Test::object(std::string_view name) {
  const std::string& form = testkit.kind(kind.name).object;
  std::string made = filled(filled(form.empty() ? testkit.address : form, "{case}", name_), "{name}", name);
  if (creates() && std::ranges::find(created_, made) == created_.end()) {
    created_.push_back(made);
    create_object(*this, made);
  }
  return made;
}

OptionTexts Test::admin_options(std::string_view kind_name) const {
  OptionTexts all = testkit.kind(kind_name).admin_options;
  for (auto& [name, text] : all) text = filled(std::move(text), "{case}", name_);
  return all;
}

std::string Test::pattern() {
  (void)object();
  if (testkit.pattern.empty()) skip("the testkit names no pattern");
  return filled(testkit.pattern, "{case}", name_);
}

Proxy& Test::proxy() {
  if (proxy_) return *proxy_;
  const auto server = testkit.server_place();
  if (!server) skip("the testkit names no server with a port, so nothing can stand between");
  auto made = Proxy::to(server->host, server->port);
  if (!made) skip("no fault proxy: " + made.error());
  proxy_ = std::move(*made);
  return *proxy_;
}

namespace {

std::string through(const Proxy* proxy, const Testkit& testkit, std::string text) {
  if (proxy == nullptr) return text;
  return filled(std::move(text), testkit.server_place()->text, "127.0.0.1:" + std::to_string(proxy->port()));
}

}  // namespace

std::string Test::url() const { return through(proxy_.get(), testkit, testkit.url); }

OptionTexts Test::connection_options() const {
  OptionTexts all = testkit.options;
  for (auto& [name, text] : all) text = through(proxy_.get(), testkit, std::move(text));
  return all;
}

Plan Test::plan(const Subscribe& wanted) {
  const Kind& of = plugin.kinds()[wanted.kind.value_or(kind.index)];
  const SubscriptionSpec spec(*this, of, wanted);
  spec->id = 1;
  return validate(*this, RST_SCOPE_SUBSCRIPTION, spec.get());
}

std::uint32_t Test::unsettled(std::uint32_t wanted) {
  const auto most = static_cast<std::uint32_t>(plan({.window = wanted}).raw.max_unsettled);
  return most != 0 ? std::min(most, wanted) : wanted;
}

std::int32_t Test::match(const Subscribe& to, const OpenPublisher& from, const Out* message) {
  const auto* const table = plugin.extension<rst_match>(RST_EXT_MATCH);
  if (table == nullptr) fail("cap", "a plugin that declares MATCH has rst.match", "it has none");
  const SubscriptionSpec subscription(*this, plugin.kinds()[to.kind.value_or(kind.index)], to);
  const PublisherSpec publisher(*this, plugin.kinds()[from.kind.value_or(publish_kind.index)], from);
  const OutArray out(message != nullptr ? std::span(message, 1) : std::span<const Out>());
  return instance().call("rst.match", [&](rst_error* error) {
    return table->match(subscription.get(), publisher.get(), message != nullptr ? out.data() : nullptr, error);
  });
}

std::int32_t Test::inside(std::string_view name, const std::function<std::int32_t()>& call) {
  const Doing doing(name);
  try {
    return call();
  } catch (...) {
    fail("L1", "nothing unwinds out of the plugin", std::string(name) + " threw");
  }
}

void Test::together(const std::vector<std::function<void()>>& all) {
  std::latch ready(static_cast<std::ptrdiff_t>(all.size()));
  if (all.size() > 1) ++together_;
  std::exception_ptr ended;
  std::mutex mutex;
  {
    std::vector<std::jthread> threads;
    for (const auto& one : all) {
      threads.emplace_back([&] {
        ready.arrive_and_wait();
        try {
          one();
        } catch (const CaseEnded&) {
          const std::scoped_lock lock(mutex);
          ended = std::current_exception();
        }
      });
    }
  }
  if (all.size() > 1) --together_;
  if (ended) std::rethrow_exception(ended);
}

Instance& Test::instance() {
  if (!instance_) instance_.emplace(*this);
  return *instance_;
}

void Test::check() const {
  if (!ledger.clean()) throw CaseEnded{};
}

void Test::expect(bool holds, std::string_view rule, std::string expected, std::string seen) {
  if (!holds) fail(rule, std::move(expected), std::move(seen));
}

void Test::expect_code(std::int32_t seen, std::int32_t expected, std::string_view rule, std::string_view what) {
  if (seen != expected) fail(rule, std::string(what) + ": " + code_name(expected), code_name(seen));
}

void Test::fail(std::string_view rule, std::string expected, std::string seen) {
  ledger.note(rule, std::move(expected), std::move(seen));
  throw CaseEnded{};
}

void Test::skip(std::string reason) { throw CaseEnded{std::move(reason)}; }

std::chrono::nanoseconds Test::now() const {
  return simulated() ? std::chrono::nanoseconds(now_ns_.load()) : std::chrono::steady_clock::now().time_since_epoch();
}

/// Tells every instance what time it is; what is due happens here. When to step next.
std::int64_t Test::step() {
  std::int64_t next = RST_SIM_NEVER;
  if (!simulated()) return next;
  const std::scoped_lock lock(stepping_);
  const auto* const sim = plugin.extension<rst_sim>(RST_EXT_SIM);
  for (Instance* const each : instances_) {
    each->host.simulated_ns = now_ns_.load();
    std::int64_t due = RST_SIM_NEVER;
    std::uint64_t pending = 0;
    const std::int32_t status = each->call(
        "rst.sim step", [&](rst_error* error) { return sim->step(each->raw(), now_ns_, &due, &pending, error); });
    if (status != RST_DONE) fail("cap", "rst.sim steps forward", code_name(-status));
    next = std::min(next, due);
  }
  return next;
}

/// Answers the events that wait for it (rule H4), on this thread rather than the plugin's (rule H2).
void Test::answer() {
  if (!answers) return;
  const std::vector<Instance*> all = instances_;
  for (Instance* const each : all) {
    for (const Event& event : each->host.unanswered()) {
      (void)each->answer(event.answer);
    }
  }
}

bool Test::wait(const std::function<bool()>& holds, std::chrono::nanoseconds at_most) {
  const auto until = now() + at_most;
  const auto news = [this] { return instances_.empty() ? 0 : instances_.front()->host.news(); };
  constexpr auto kLook = 5ms;    // an instance other than the first does not wake this thread
  constexpr auto kGrace = 10ms;  // for the threads of a plugin whose time is simulated
  for (;;) {
    const std::uint64_t seen = news();
    const std::int64_t due = step();
    answer();
    if (holds()) return true;
    check();
    if (!simulated()) {
      const auto left = until - now();
      if (left <= 0ns) return false;
      if (instances_.empty()) return holds();
      (void)instances_.front()->host.wait_for_news(
          seen, std::min<std::chrono::nanoseconds>(left, instances_.size() == 1 ? left : kLook));
    } else if (due <= until.count()) {
      now_ns_ = std::max(now_ns_ + 1, due);
    } else if (now_ns_ < until.count()) {
      now_ns_ = until.count();
    } else if (news() == seen && (instances_.empty() || instances_.front()->host.wait_for_news(seen, kGrace) == seen)) {
      return false;
    }
  }
}

void Test::pass(std::chrono::nanoseconds time) {
  (void)wait([] { return false; }, time);
}

}  // namespace conformance
