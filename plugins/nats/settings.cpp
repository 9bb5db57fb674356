#include "settings.hpp"

#include "declarations.hpp"

#include <charconv>

namespace ruststream::nats {
namespace {

constexpr std::size_t kMostServers = 64;

/// %41 is A. Nothing where a % is not followed by two digits.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      plain += text[at];
      continue;
    }
    unsigned char byte = 0;
    if (at + 2 >= text.size()) return std::nullopt;
    const auto [end, failed] = std::from_chars(text.data() + at + 1, text.data() + at + 3, byte, 16);
    if (failed != std::errc() || end != text.data() + at + 3) return std::nullopt;
    plain += static_cast<char>(byte);
    at += 2;
  }
  return plain;
}

bool parse_credentials(std::string_view text, Settings& into, sdk::Report& report) {
  const auto colon = text.find(':');
  const auto first = percent_decoded(text.substr(0, colon));
  const auto second = percent_decoded(colon == std::string_view::npos ? "" : text.substr(colon + 1));
  if (!first || !second) {
    report.issue(RST_E_INVALID,
                 "the url's user or password has a `%` without two hexadecimal digits; write it as `%25`");
    return false;
  }
  if (colon == std::string_view::npos) {
    into.token = *first;
  } else {
    into.user = *first;
    into.password = *second;
  }
  return true;
}

}  // namespace

std::string Server::text() const {
  const bool six = host.find(':') != std::string::npos;
  return (six ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

std::optional<Server> parse_server(std::string_view text) {
  Server server;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    server.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    server.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? "" : text.substr(colon);
  }
  if (server.host.empty() || server.host.find_first_of(" /?#@") != std::string::npos) return std::nullopt;
  if (port.empty()) return server;
  if (!port.starts_with(':')) return std::nullopt;
  port.remove_prefix(1);
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), server.port);
  if (failed != std::errc() || end != port.data() + port.size() || server.port == 0) return std::nullopt;
  return server;
}

bool parse_url(std::string_view url, Settings& into, sdk::Report& report) {
  const auto scheme = url.substr(0, url.find(':'));
  if (scheme != "nats" && scheme != "tls") {
    report.issue(RST_E_INVALID, "the url is not nats://HOST:PORT or tls://HOST:PORT");
    return false;
  }
  if (scheme == "tls") into.tls = Tls::kVerify;
  url.remove_prefix(std::min(scheme.size() + 1, url.size()));
  if (url.starts_with("//")) url.remove_prefix(2);
  url = url.substr(0, url.find('?'));  // what follows are options, which the host has passed as such
  if (url.ends_with('/')) url.remove_suffix(1);
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    if (!parse_credentials(url.substr(0, at), into, report)) return false;
    url.remove_prefix(at + 1);
  }
  while (true) {
    const auto comma = url.find(',');
    const auto each = url.substr(0, comma);
    const auto server = parse_server(each);
    if (!server) {
      report.issue(RST_E_INVALID, "server `", sdk::subject(each), "` of the url is not HOST:PORT");
      return false;
    }
    into.servers.push_back(*server);
    if (comma == std::string_view::npos) break;
    url.remove_prefix(comma + 1);
  }
  if (into.servers.size() <= kMostServers) return true;
  report.issue(RST_E_INVALID, "the url names more than ", kMostServers, " servers");
  return false;
}

Settings settings_of(const rst_connection_spec& spec) {
  Settings made;
  sdk::Report ignored{nullptr, sdk::ErrorOut{nullptr}};
  (void)parse_url(sdk::view(spec.url), made, ignored);
  const sdk::Options options{kOptionTable, spec.options, spec.option_count};
  const auto option = [&](auto index) { return options[index]; };
  const auto text = [&](std::string& into, std::size_t index) {
    if (!options[index].empty()) into = options[index].text();
  };
  const auto duration = [&](std::size_t index) {
    return nanoseconds{static_cast<std::int64_t>(options[index].nanoseconds())};
  };
  constexpr auto kIndex = [](std::string_view name) consteval { return sdk::index_of(kOptionTable, name); };
  text(made.user, kIndex(RST_OPT_USER));
  text(made.password, kIndex(RST_OPT_PASSWORD));
  text(made.token, kIndex(RST_OPT_TOKEN));
  text(made.creds, kIndex("creds"));
  text(made.nkey, kIndex("nkey"));
  text(made.nkey_seed, kIndex("nkey.seed"));
  text(made.ca, kIndex(RST_OPT_TLS_CA));
  text(made.cert, kIndex(RST_OPT_TLS_CERT));
  text(made.key, kIndex(RST_OPT_TLS_KEY));
  text(made.server_name, kIndex(RST_OPT_TLS_SERVER_NAME));
  text(made.inbox_prefix, kIndex("inbox_prefix"));
  text(made.js_prefix, kIndex("js.domain"));
  made.js_prefix = made.js_prefix.empty() ? "$JS.API" : "$JS." + made.js_prefix + ".API";
  made.name = sdk::view(spec.client_name);
  text(made.name, kIndex(RST_OPT_CLIENT_NAME));
  if (const auto tls = option(kIndex(RST_OPT_TLS)); tls.given()) {
    made.tls = tls.text() == RST_OPT_TLS_OFF ? Tls::kOff : tls.text() == RST_OPT_TLS_ON ? Tls::kOn : Tls::kVerify;
  }
  made.connect_timeout = duration(kIndex(RST_OPT_CONNECT_TIMEOUT));
  made.op_timeout = duration(kIndex(RST_OPT_OP_TIMEOUT));
  made.reconnect_delay = duration(kIndex(RST_OPT_RECONNECT_DELAY));
  made.reconnect_max_delay = duration(kIndex(RST_OPT_RECONNECT_MAX_DELAY));
  made.keepalive = duration(kIndex(RST_OPT_KEEPALIVE));
  made.auth_attempts = option(kIndex(RST_OPT_RECONNECT_AUTH_ATTEMPTS)).u64();
  made.max_payload = option(kIndex(RST_OPT_MAX_PAYLOAD)).bytes();
  made.reconnect_buffer = option(kIndex("reconnect.buffer")).bytes();
  made.write_buffer = option(kIndex("write_buffer")).bytes();
  made.no_echo = option(kIndex("no_echo")).boolean();
  made.discover = option(kIndex("discover")).boolean();
  made.randomize = option(kIndex("randomize")).boolean();
  return made;
}

}  // namespace ruststream::nats
