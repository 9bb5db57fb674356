#include "runtime/app_core.hpp"

#include <ruststream/app.hpp>

#include <algorithm>
#include <cctype>
#include <future>

namespace ruststream {
inline namespace v0 {
namespace {

/// `quakes.event.*` → `quakes-event`: what is no letter, digit or underscore becomes one dash, none at the ends.
std::string default_name(std::string_view address) {
  std::string name;
  for (const char c : address) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
    if (plain) {
      name += c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "subscription" : name;
}

}  // namespace

Registration& Registration::name(std::string name) {
  declaration_->name = std::move(name);
  return *this;
}

Registration& Registration::kind(std::string kind) {
  declaration_->options.kind = std::move(kind);
  return *this;
}

Registration& Registration::group(std::string group) {
  declaration_->options.group = std::move(group);
  return *this;
}

Registration& Registration::durable(std::string name) {
  declaration_->options.durable = std::move(name);
  return *this;
}

Registration& Registration::option(std::string name, std::string value) {
  declaration_->options.options.emplace_back(std::move(name), std::move(value));
  return *this;
}

Registration& Registration::workers(std::uint32_t count) {
  declaration_->workers = count;
  return *this;
}

Registration& Registration::workers(std::uint32_t count, ByKey) {
  declaration_->workers = count;
  declaration_->keyed = true;
  return *this;
}

Registration& Registration::batch(std::uint32_t size, std::chrono::milliseconds wait) {
  declaration_->batch = size;
  declaration_->batch_wait = wait;
  return *this;
}

Registration& Registration::in_flight(std::uint32_t messages) {
  declaration_->options.in_flight = messages;
  return *this;
}

Registration& Registration::max_attempts(std::uint32_t attempts) {
  declaration_->max_attempts = attempts;
  return *this;
}

Registration& Registration::dead_letter(std::string destination) {
  declaration_->options.dead_letter = std::move(destination);
  return *this;
}

Registration& Registration::reply_to(std::string destination) {
  declaration_->reply_to = std::move(destination);
  return *this;
}

Registration& Registration::on_failure(FailurePolicy policy) {
  declaration_->on_failure = policy;
  return *this;
}

Registration& Registration::on_decode_failure(FailurePolicy policy) {
  declaration_->on_decode_failure = policy;
  return *this;
}

Registration& Registration::max_processing(std::chrono::milliseconds longest) {
  declaration_->options.max_processing = longest;
  return *this;
}

Registration& Registration::at_most_once() {
  declaration_->at_most_once = true;
  return *this;
}

Registration& Registration::codec(const Codec& codec) {
  declaration_->codec = &codec;
  return *this;
}

Registration& Registration::start_at(const rst_position& position) {
  declaration_->options.start_at = position;
  return *this;
}

Registration Scope::add(std::string address, std::unique_ptr<detail::Handler> handler) {
  detail::SubscriptionDeclaration& declaration = declaration_.subscriptions.emplace_back();
  declaration.name = default_name(address);
  declaration.address = std::move(address);
  declaration.handler = std::move(handler);
  return Registration(declaration);
}

Publisher Scope::publisher(std::string name, std::string destination, PublisherOptions options) {
  auto core = std::make_shared<detail::PublisherCore>();
  declaration_.publishers.push_back({std::move(name), std::move(destination), std::move(options), core});
  return Publisher(std::move(core));
}

App::App(AppInfo info) : core_(std::make_unique<detail::AppCore>(std::move(info))) {}
App::App(App&&) noexcept = default;
App& App::operator=(App&&) noexcept = default;
App::~App() = default;

App& App::broker(std::string url, const std::function<void(Scope&)>& declare) {
  return broker({}, std::move(url), declare);
}

App& App::broker(std::string name, std::string url, const std::function<void(Scope&)>& declare) {
  detail::BrokerDeclaration& declaration = core_->brokers.emplace_back();
  declaration.name = std::move(name);
  declaration.url = std::move(url);
  Scope scope(declaration);
  declare(scope);
  return *this;
}

App& App::on_startup(Hook hook) {
  core_->on_startup.push_back(std::move(hook));
  return *this;
}

App& App::after_startup(Hook hook) {
  core_->after_startup.push_back(std::move(hook));
  return *this;
}

App& App::on_shutdown(Hook hook) {
  core_->on_shutdown.push_back(std::move(hook));
  return *this;
}

App& App::after_shutdown(std::function<void(App&)> hook) {
  core_->after_shutdown.push_back(std::move(hook));
  return *this;
}

App& App::shards(std::uint32_t count) {
  core_->shards = count;
  return *this;
}

App& App::set(std::string key, std::string value) {
  core_->settings.set(settings::Layer::code, std::move(key), std::move(value), "code");
  return *this;
}

std::optional<std::string> App::setting(std::string_view key) const {
  const auto* found = core_->settings.find("app." + std::string(key));
  if (found == nullptr || found->items.empty()) return std::nullopt;
  return found->items.front();
}

Result<void> App::start() {
  if (core_->thread.joinable()) return fail(Code::state, "the app runs already");
  if (core_->stopping()) return fail(Code::state, "the app has been stopped: make another one to start again");
  if (Result<void> configured = core_->configure(); !configured) return configured;
  const auto up = std::make_shared<std::promise<Result<void>>>();  // set_value may still use it when told.get() returns
  std::future<Result<void>> told = up->get_future();
  core_->thread = std::thread([this, up] {
    detail::Loop loop;
    core_->exit_code = core_->live(*this, loop, [&up](const Result<void>& result) { up->set_value(result); });
  });
  Result<void> result = told.get();
  if (!result) core_->thread.join();
  return result;
}

void App::stop() noexcept { core_->request_stop(); }

int App::wait() {
  if (core_->thread.joinable()) core_->thread.join();
  return core_->exit_code;
}

Result<Publisher> App::publisher(std::string_view broker) const { return core_->find_publisher(broker); }

}  // namespace v0
}  // namespace ruststream
