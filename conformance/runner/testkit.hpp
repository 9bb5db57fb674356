#pragma once
#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace conformance {

using OptionTexts = std::vector<std::pair<std::string, std::string>>;  // as a user would write them

/// What a plugin says of itself so that it can be tested: `testkit.toml`, then the command line on top.
struct Testkit {
  std::string url;                 // empty: the first scheme and a colon
  OptionTexts options;             // of the connection
  OptionTexts disconnect_options;  // of one that is lost by itself after a while, and comes back
  /// How an address is made of {case}, unique for each run of a case, and {name}, one of its several.
  std::string address = "{case}.{name}";
  std::string pattern;  // a pattern that covers all addresses of a case; empty: cases with patterns are skipped
  bool create = false;  // addresses are created through rst.admin before they are used

  struct KindKit {
    /// What rst.admin creates so that a kind's addresses are there, made of {case} and {name}; empty: nothing, or with
    /// `create` the address.
    std::string object;
    std::string publish_kind;  // which kind's publisher reaches its subscriptions; empty: its own
    OptionTexts subscription_options, publisher_options, admin_options;
    OptionTexts rebalance_options;     // of a connection on which members of a group have partitions of their own
    double messages_per_second = 0;    // the floor of performance.throughput; 0: none
    OptionTexts ack_deadline_options;  // of a subscription whose plan is to have a short ack deadline
  };
  /// Of a connection on which a few messages are all that fits, so that a publisher soon gets back-pressure. None:
  /// cases of that are skipped.
  OptionTexts backpressure_options;
  bool real_time = false;  // cases about threads run without rst.sim: the plugin must then keep time by itself
  std::vector<std::string> client_threads;  // patterns over the names of threads that a client library starts
  std::map<std::string, KindKit, std::less<>> kinds;

  std::chrono::milliseconds arrival{5000};  // longest that what must come may take
  std::chrono::milliseconds quiet{150};     // how long nothing comes where nothing must

  // For cases about faults.
  std::string server;           // host:port as it stands in url or options; empty: what the url says
  OptionTexts refused_options;  // of a connection that the server refuses: wrong credentials

  struct Place {
    std::string text, host;  // text: host:port as it is written
    std::uint16_t port;
  };
  /// Where the server is. None: there is no network, or no port is named.
  [[nodiscard]] std::optional<Place> server_place() const;

  [[nodiscard]] const KindKit& kind(std::string_view name) const;
  /// Every problem of the file in one text, each with its line and the nearest known name.
  [[nodiscard]] static std::expected<Testkit, std::string> read(const std::string& path);
};

}  // namespace conformance
