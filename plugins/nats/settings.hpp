// What a connection's URL and options say.
#pragma once

#include "time.hpp"

#include <ruststream/sdk.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::nats {

namespace sdk = ruststream::sdk;

enum class Tls : std::uint8_t { kOff, kOn, kVerify };

struct Server {
  std::string host;
  std::uint16_t port = 4222;

  [[nodiscard]] std::string text() const;  // host:port, brackets around an IPv6 address
  bool operator==(const Server&) const = default;
};

struct Settings {
  std::vector<Server> servers;
  std::string user, password, token, creds, nkey, nkey_seed;
  Tls tls = Tls::kOff;
  std::string ca, cert, key, server_name;
  std::string name, inbox_prefix, js_prefix;
  nanoseconds connect_timeout{}, op_timeout{}, reconnect_delay{}, reconnect_max_delay{}, keepalive{};
  std::uint64_t auth_attempts = 1;
  std::uint64_t write_buffer = 0;      // bytes that may wait for the socket; then publishers wait
  std::uint64_t reconnect_buffer = 0;  // bytes of messages that may wait for a session
  std::uint64_t max_payload = 0;       // 0: what the server says
  bool no_echo = false, discover = true, randomize = true;

  [[nodiscard]] bool names_credentials() const {
    return !user.empty() || !token.empty() || !creds.empty() || !nkey.empty();
  }
};

std::optional<Server> parse_server(std::string_view text);

/// A URL: nats://[user[:password]@|token@]host[:port][,host[:port]…]. Problems go to the report, without the text that
/// may hold a secret (O2).
bool parse_url(std::string_view url, Settings& into, sdk::Report& report);

/// All of it, of a spec that validate has accepted.
Settings settings_of(const rst_connection_spec& spec);

}  // namespace ruststream::nats
