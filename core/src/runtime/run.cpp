// App::run: flags, settings, signals, exit codes.
#include "client/prepare.hpp"
#include "options/table.hpp"
#include "runtime/app_core.hpp"
#include "runtime/signals.hpp"
#include "runtime/written.hpp"
#include "settings/command_line.hpp"
#include "settings/load.hpp"
#include "settings/report.hpp"

#include <ruststream/app.hpp>

#include <array>
#include <cstdio>

extern "C" char** environ;

namespace ruststream {
inline namespace v0 {
namespace {

constexpr std::array<settings::Command, 2> kCommands{{
    {"run", "run the service until it is told to stop"},
    {"check", "say what would be run, with every setting and where it comes from, and connect to nothing"},
}};

void print(std::FILE* to, const std::string& text) { std::fwrite(text.data(), 1, text.size(), to); }

/// One line for each problem.
int refuse(const std::string& problems) {
  std::string all;
  std::size_t at = 0;
  while (at < problems.size()) {
    const std::size_t end = std::min(problems.find('\n', at), problems.size());
    all += "error: " + problems.substr(at, end - at) + "\n";
    at = end + 1;
  }
  print(stderr, all);
  return kExitConfiguration;
}

/// Whether some plugin of the app declares an option of that last name as secret.
bool is_secret(const detail::AppPlan& plan, const settings::Setting& setting) {
  for (const detail::PlannedBroker& broker : plan.brokers) {
    for (std::uint32_t i = 0; i < broker.plugin->option_count; ++i) {
      const rst_option_decl& option = options::option_at(*broker.plugin, i);
      if ((option.flags & RST_OPTION_SECRET) != 0 && setting.key.ends_with(options::view(option.name))) return true;
    }
  }
  return false;
}

/// What becomes of the delay of a retry where the broker cannot keep it; nothing where it can, or nothing is retried.
std::string delay_note(const detail::Plan& plan) {
  const auto longest = std::chrono::duration_cast<std::chrono::milliseconds>(detail::longest_kept_delay(plan));
  if (longest.count() == 0 || !plan.can(RST_CAP_SETTLE)) return {};
  return "    retry_after: the delay is kept by this service, at most " + std::to_string(longest.count()) +
         " ms; the message stays unsettled meanwhile and counts for in_flight\n";
}

int check(const detail::AppCore& core, const std::vector<std::string>& warnings) {
  const detail::AppPlan& plan = core.plan();
  std::string text = settings::report(detail::as_written(core.brokers, core.settings),
                                      [&](const settings::Setting& s) { return is_secret(plan, s); });
  for (const detail::PlannedBroker& broker : plan.brokers) {
    text += "broker " + broker.connection.display + " by " + std::string(options::view(broker.plugin->name)) + "\n";
    for (const detail::PlannedSubscription& subscription : broker.subscriptions) {
      text += "  subscription " + subscription.declaration->name + ": " + subscription.plan.address + ", kind " +
              std::string(options::view(options::kind_at(*broker.plugin, subscription.plan.kind).name)) + ", workers " +
              std::to_string(subscription.workers) + (subscription.keyed ? " by key" : "") + ", in_flight " +
              std::to_string(subscription.plan.window) + "\n" + delay_note(subscription.plan.plan);
    }
    for (const detail::PlannedPublisher& publisher : broker.publishers) {
      if (publisher.declaration == nullptr) continue;
      const detail::PublisherPlan& plan_of = publisher.plan;
      text += "  publisher " + publisher.declaration->name + ": " +
              (plan_of.destination.empty() ? "each message its own destination" : plan_of.destination) + ", kind " +
              std::string(options::view(options::kind_at(*broker.plugin, plan_of.kind).name)) +
              (plan_of.wanted.confirm ? ", confirmed" : ", unconfirmed") + "\n";
    }
  }
  for (const std::string& warning : warnings) text += "warning: " + warning + "\n";
  for (const std::string& warning : plan.warnings) text += "warning: " + warning + "\n";
  print(stdout, text + "ok\n");
  return kExitOk;
}

}  // namespace

int App::run(int argc, const char* const* argv) {
  detail::AppCore& core = *core_;
  const settings::Program program{core.info.title, core.info.version, kCommands};
  const auto line = settings::parse_command_line(program, argc, argv);
  if (!line) {
    print(line.error().exit_code == kExitOk ? stdout : stderr, line.error().text);
    return line.error().exit_code;
  }
  const auto variables = settings::read_environment(platform::elevated() ? nullptr : environ);
  auto loaded = settings::load(*line, variables, std::move(core.settings));
  if (!loaded) return refuse(loaded.error().text);
  core.settings = std::move(loaded->settings);
  detail::Loop loop;
  const detail::Signals signals(loop, core);  // before the first plugin is loaded
  if (const Result<void> configured = core.configure(); !configured) return refuse(configured.error().text);
  if (line->command == "check") return check(core, loaded->warnings);
  for (const std::string& warning : loaded->warnings) {
    core.environment().logger().write(log::Level::warn, "settings", warning);
  }
  return core.live(*this, loop, [](const Result<void>&) {});
}

int run_main(App (*make)(), int argc, const char* const* argv) noexcept {
  try {
    App app = make();
    return app.run(argc, argv);
  } catch (const std::exception& exception) {
    print(stderr, std::string("error: ") + exception.what() + "\n");
  } catch (...) {
    print(stderr, "error: the service ended by an exception that is no std::exception\n");
  }
  return kExitFatal;
}

}  // namespace v0
}  // namespace ruststream
