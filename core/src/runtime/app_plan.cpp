#include "runtime/app_plan.hpp"

#include "options/table.hpp"
#include "options/url.hpp"
#include "settings/registration.hpp"
#include "settings/sections.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace ruststream {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::uint32_t kDefaultWorkers = 1;
constexpr std::uint32_t kDefaultBatch = 64;
constexpr std::uint32_t kDefaultMaxAttempts = 10;

class Planner {
 public:
  Planner(std::deque<BrokerDeclaration>& brokers, const settings::Settings& settings, Environment& environment,
          const std::string& client_name)
      : declared_(brokers), settings_(settings), environment_(environment), client_name_(client_name) {}

  Result<AppPlan> plan() {
    if (declared_.empty()) return fail(Code::invalid, "the app has no broker: declare one with app.broker(URL, …)");
    check_names();
    if (!assign()) return refusal();
    for (BrokerDeclaration& broker : declared_) plan_broker(broker);
    if (!problems_.empty()) return refusal();
    return std::move(plan_);
  }

 private:
  std::unexpected<Error> refusal() {
    std::string all;
    for (const std::string& problem : problems_) all += (all.empty() ? "" : "\n") + problem;
    return fail(Code::option, std::move(all), kUser);
  }

  /// Keeps the problem, each line of it with what it is about; a setting's has its key in it.
  void problem(const std::string& about, const Error& error) {
    std::string_view rest = error.text;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      problems_.push_back((about.empty() ? "" : about + ": ") + std::string(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }

  static void duplicates(const std::vector<std::string>& names, const std::string& what, const std::string& remedy,
                         std::vector<std::string>& problems) {
    std::set<std::string> seen;
    for (const std::string& name : names) {
      if (!seen.insert(name).second) problems.push_back("two " + what + " are called `" + name + "`: " + remedy);
    }
  }

  void check_names() {
    for (BrokerDeclaration& broker : declared_) {
      broker_names_.push_back(broker.name);
      for (const auto& subscription : broker.subscriptions) subscription_names_.push_back(subscription.name);
      for (const auto& publisher : broker.publishers) publisher_names_.push_back(publisher.name);
    }
    duplicates(broker_names_, "brokers", "name each with app.broker(NAME, URL, …)", problems_);
    duplicates(subscription_names_, "subscriptions", "give each its own with .name(…)", problems_);
    duplicates(publisher_names_, "publishers", "give each its own", problems_);
  }

  bool assign() {
    const auto take = [&](std::string_view section, const std::vector<std::string>& names, std::string_view value,
                          settings::Sections& into) {
      auto assigned = settings::assign(settings_, section, names, value);
      if (assigned) {
        into = std::move(*assigned);
      } else {
        problem({}, assigned.error());
      }
    };
    take("broker", broker_names_, "url", broker_settings_);
    take("subscription", subscription_names_, {}, subscription_settings_);
    take("publisher", publisher_names_, {}, publisher_settings_);
    return problems_.empty();
  }

  /// What needs no plugin is said of the rest, too, when the broker's is not to be had.
  void plan_broker(BrokerDeclaration& broker) {
    const std::string about = broker.name.empty() ? "broker" : "broker `" + broker.name + "`";
    PlannedBroker& planned = plan_.brokers.emplace_back();
    planned.declaration = &broker;
    plan_connection_of(broker, planned, about);
    plan_publishers(broker, planned, about);
    for (SubscriptionDeclaration& subscription : broker.subscriptions) plan_one(subscription, planned);
  }

  void plan_connection_of(const BrokerDeclaration& broker, PlannedBroker& planned, const std::string& about) {
    auto wanted = settings::read_broker(broker_settings_[broker.name]);
    if (!wanted) return problem({}, wanted.error());
    const std::string url = wanted->url.value_or(broker.url);
    const std::string about_url = wanted->url ? about + " (" + wanted->url_source + ")" : about;
    const auto parsed = options::parse_url(url);
    if (!parsed) return problem(about_url, parsed.error());
    const auto plugin = environment_.plugin(*parsed, {});
    if (!plugin) return problem(about_url, plugin.error());
    planned.plugin = *plugin;
    ConnectOptions options;
    options.client_name = client_name_;
    auto connection = plan_connection(**plugin, url, options, std::move(wanted->plugin));
    if (!connection) return problem(about_url, connection.error());
    planned.connection = std::move(*connection);
  }

  void plan_publishers(BrokerDeclaration& broker, PlannedBroker& planned, const std::string& about) {
    if (planned.plugin != nullptr) {
      auto own = plan_publisher(*planned.plugin, {}, {}, {});
      if (!own) return problem(about, own.error());
      planned.publishers.push_back({nullptr, std::move(*own)});
    }
    for (PublisherDeclaration& publisher : broker.publishers) {
      const std::string name = "publisher `" + publisher.name + "`";
      auto wanted = settings::read_publisher(publisher_settings_[publisher.name]);
      if (!wanted) {
        problem({}, wanted.error());
        continue;
      }
      if (planned.plugin == nullptr) continue;
      PublisherOptions options = publisher.options;
      options.kind = wanted->kind.value_or(options.kind);
      options.confirm = wanted->confirm.value_or(options.confirm);
      std::vector<options::Setting> settings = to_settings(options.options, "code");
      std::ranges::move(wanted->plugin, std::back_inserter(settings));
      auto plan = plan_publisher(*planned.plugin, wanted->destination.value_or(publisher.destination),
                                 std::move(options), std::move(settings));
      if (plan) {
        planned.publishers.push_back({&publisher, std::move(*plan)});
      } else {
        problem(name, plan.error());
      }
    }
  }

  void plan_one(SubscriptionDeclaration& declared, PlannedBroker& broker) {
    const std::string about = "subscription `" + declared.name + "`";
    auto wanted = settings::read_subscription(subscription_settings_[declared.name]);
    if (!wanted) return problem({}, wanted.error());
    PlannedSubscription planned;
    planned.declaration = &declared;
    planned.workers = std::max<std::uint32_t>(1, wanted->workers.value_or(declared.workers.value_or(kDefaultWorkers)));
    planned.keyed = wanted->by_key.value_or(declared.keyed);
    planned.batch = std::max<std::uint32_t>(1, wanted->batch.value_or(declared.batch.value_or(kDefaultBatch)));
    planned.batch_wait = wanted->batch_wait.value_or(declared.batch_wait);
    check_handler(planned, about);
    std::string address = declared.address;
    if (wanted->addresses) {
      if (wanted->addresses->size() != 1) {
        problems_.push_back(about + ": `address` takes one address");
        return;
      }
      address = wanted->addresses->front();
    }
    if (broker.plugin == nullptr) return;

    SubscribeOptions options = declared.options;
    options.kind = wanted->kind.value_or(options.kind);
    options.group = wanted->group.value_or(options.group);
    options.durable = wanted->durable.value_or(options.durable);
    options.dead_letter = wanted->dead_letter.value_or(options.dead_letter);
    const std::optional<std::uint32_t> attempts = wanted->max_attempts ? wanted->max_attempts : declared.max_attempts;
    options.max_attempts = attempts.value_or(0);
    options.max_batch = planned.batch;
    options.in_flight = wanted->in_flight.value_or(options.in_flight);
    if (wanted->max_processing) {
      options.max_processing = std::chrono::ceil<std::chrono::milliseconds>(*wanted->max_processing);
    }
    if (options.in_flight != 0 && declared.handler->takes_batch())
      options.in_flight = std::max(options.in_flight, planned.batch);
    std::vector<options::Setting> settings = to_settings(options.options, "code");
    std::ranges::move(wanted->plugin, std::back_inserter(settings));
    auto plan =
        plan_subscription(*broker.plugin, std::move(address), std::move(options), std::move(settings), planned.workers);
    if (!plan) return problem(about, plan.error());
    planned.plan = std::move(*plan);
    planned.max_attempts = attempts.value_or(planned.plan.plan.can(RST_CAP_ATTEMPT) ? kDefaultMaxAttempts : 0);
    check_abilities(planned, about, attempts.has_value());
    check_clash(planned, broker, about);
    for (const std::string& warning : planned.plan.plan.warnings) plan_.warnings.push_back(about + ": " + warning);
    if (declared.handler->replies() && !declared.reply_to.empty()) {
      auto replies = plan_publisher(*broker.plugin, declared.reply_to, {}, {});
      if (!replies) return problem(about + ": reply_to", replies.error());
      planned.replies = std::move(*replies);
    }
    broker.subscriptions.push_back(std::move(planned));
  }

  void check_handler(const PlannedSubscription& planned, const std::string& about) {
    const SubscriptionDeclaration& declared = *planned.declaration;
    if (declared.handler->takes_batch() && planned.keyed) {
      problems_.push_back(about + ": a batch handler cannot have keyed workers: take by_key away");
    }
    if (!declared.handler->replies() && !declared.reply_to.empty()) {
      problems_.push_back(about + ": reply_to is set, but the handler returns no value to publish");
    }
  }

  /// What a policy needs and the plan has not: refused, unless the registration agrees to lose what fails.
  void check_abilities(const PlannedSubscription& planned, const std::string& about, bool attempts_asked) {
    const SubscriptionDeclaration& declared = *planned.declaration;
    const Plan& plan = planned.plan.plan;
    const bool settles = plan.can(RST_CAP_SETTLE);
    const bool again = settles && (plan.can(RST_CAP_RETRY) || (plan.flags & RST_PLAN_COPY_PRIVATE) != 0);
    if (!again) {
      std::string asked;
      if (attempts_asked) asked = "max_attempts";
      if (!planned.plan.wanted.dead_letter.empty()) asked = "dead_letter";
      if (declared.on_failure && declared.on_failure->action == FailurePolicy::Action::retry)
        asked = "retry on failure";
      if (!asked.empty() && !declared.at_most_once) {
        problems_.push_back(about + ": " + asked +
                            " needs redelivery, which this kind does not have: choose another kind " +
                            "or agree to lose what fails with .at_most_once()");
      } else {
        plan_.warnings.push_back(about + ": at most once: retry has no effect here");
      }
      return;
    }
    if (attempts_asked && planned.max_attempts != 0 && !plan.can(RST_CAP_ATTEMPT)) {
      problems_.push_back(about + ": max_attempts needs a kind that counts attempts, which this one does not");
    }
  }

  void check_clash(const PlannedSubscription& planned, const PlannedBroker& broker, const std::string& about) {
    const std::string& key = planned.plan.plan.group_key;
    if (key.empty()) return;
    for (const PlannedSubscription& other : broker.subscriptions) {
      if (other.plan.plan.group_key != key) continue;
      problems_.push_back(about + ": it shares the group of subscription `" + other.declaration->name +
                          "`, so each would get only a part of the messages: give one of them another .group(…)");
    }
  }

  std::deque<BrokerDeclaration>& declared_;
  const settings::Settings& settings_;
  Environment& environment_;
  const std::string& client_name_;
  std::vector<std::string> broker_names_, subscription_names_, publisher_names_;
  settings::Sections broker_settings_, subscription_settings_, publisher_settings_;
  std::vector<std::string> problems_;
  AppPlan plan_;
};

}  // namespace

Result<AppPlan> plan_app(std::deque<BrokerDeclaration>& brokers, const settings::Settings& settings,
                         Environment& environment, const std::string& client_name) {
  return Planner(brokers, settings, environment, client_name).plan();
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
