#include "options/url.hpp"

#include "options/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace ruststream::inline v0::options {
namespace {

using Parts = std::pair<std::string_view, std::string_view>;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool has_only(std::string_view text, std::string_view besides_letters_and_digits) {
  return std::ranges::all_of(text, [&](char c) {
    return is_letter(c) || is_digit(c) || besides_letters_and_digits.find(c) != std::string_view::npos;
  });
}

// The text before the first colon when it has the form of a scheme, else nothing.
std::string_view scheme_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > kMaxScheme) return {};
  const std::string_view scheme = text.substr(0, colon);
  return is_letter(scheme.front()) && has_only(scheme, "+-.") ? scheme : std::string_view();
}

// What lies before and after position `at`; all of it before when there is no such position.
Parts cut(std::string_view text, std::size_t at) {
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Url> parse();

 private:
  std::unexpected<Error> wrong(const std::string& what) const;
  Result<void> parse_rest(std::string_view rest);
  Result<std::string> decode(std::string_view raw, const std::string& part) const;
  Result<void> parse_authority(std::string_view authority);
  Result<void> parse_user(std::string_view text);
  Result<void> parse_host(std::string_view text);
  Result<void> parse_query(std::string_view query);
  Result<void> add_parameter(std::string_view text, std::size_t number);

  std::string_view text_;
  Url url_;
};

std::unexpected<Error> Parser::wrong(const std::string& what) const {
  const std::string_view scheme = scheme_of(text_);
  return fail(Code::invalid, (scheme.empty() ? "URL" : "URL " + std::string(scheme) + ":…") + ": " + what);
}

Result<std::string> Parser::decode(std::string_view raw, const std::string& part) const {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '%') {
      out += raw[i];
      continue;
    }
    const bool complete = i + 2 < raw.size();
    const int high = complete ? hex_value(raw[i + 1]) : -1;
    const int low = complete ? hex_value(raw[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return wrong(part + " has a `%` without two hexadecimal digits after it; write a percent sign as %25");
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (out.find('\0') != std::string::npos || !is_utf8(out)) return wrong(part + " is not UTF-8 text");
  return out;
}

Result<Url> Parser::parse() {
  if (text_.size() > kMaxUrl) return wrong("longer than " + std::to_string(kMaxUrl) + " bytes");
  const bool visible =
      std::ranges::all_of(text_, [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7F; });
  if (!visible) return wrong("has a space or a control character; write a space as %20");
  const std::string_view scheme = scheme_of(text_);
  if (scheme.empty()) return wrong("no scheme; write it as SCHEME://HOST:PORT, with the scheme of a broker");
  if (text_.find('#') != std::string_view::npos)
    return wrong("has a `#`; a URL of a broker has no fragment, write %23");
  for (const char c : scheme) url_.scheme += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;

  const std::size_t question = text_.find('?');
  const Parts parts = cut(text_, question);
  if (auto done = parse_rest(parts.first.substr(scheme.size() + 1)); !done) return std::unexpected(done.error());
  if (question != std::string_view::npos) {
    if (auto done = parse_query(parts.second); !done) return std::unexpected(done.error());
  }
  url_.broker = url_.scheme + std::string(parts.first.substr(scheme.size()));
  return std::move(url_);
}

Result<void> Parser::parse_rest(std::string_view rest) {
  if (!rest.starts_with("//")) {
    if (!has_only(rest, "-._~%")) {
      return wrong("the name after the scheme may hold letters, digits and -._~; did you mean SCHEME://…?");
    }
    auto name = decode(rest, "the name");
    if (!name) return std::unexpected(name.error());
    url_.name = std::move(*name);
    return {};
  }
  const Parts parts = cut(rest.substr(2), rest.substr(2).find('/'));
  if (auto done = parse_authority(parts.first); !done) return done;
  auto path = decode(parts.second, "the path");
  if (!path) return std::unexpected(path.error());
  url_.path = std::move(*path);
  return {};
}

Result<void> Parser::parse_authority(std::string_view authority) {
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos) {
    if (auto done = parse_user(authority.substr(0, at)); !done) return done;
    authority.remove_prefix(at + 1);
    if (authority.empty()) return wrong("no host after the `@`");
  }
  while (!authority.empty()) {
    if (url_.hosts.size() == kMaxUrlHosts) return wrong("more than " + std::to_string(kMaxUrlHosts) + " hosts");
    const std::size_t comma = authority.find(',');
    if (auto done = parse_host(authority.substr(0, comma)); !done) return done;
    if (comma == std::string_view::npos) break;
    authority.remove_prefix(comma + 1);
    if (authority.empty()) return wrong("no host after the last `,`");
  }
  return {};
}

Result<void> Parser::parse_user(std::string_view text) {
  if (text.find('@') != std::string_view::npos) return wrong("the user or password has an `@`; write it as %40");
  const std::size_t colon = text.find(':');
  const Parts parts = cut(text, colon);
  if (parts.second.find(':') != std::string_view::npos) return wrong("the password has a `:`; write it as %3A");
  auto user = decode(parts.first, "the user");
  if (!user) return std::unexpected(user.error());
  auto password = decode(parts.second, "the password");
  if (!password) return std::unexpected(password.error());
  url_.user = std::move(*user);
  url_.password = std::move(*password);
  return {};
}

Result<void> Parser::parse_host(std::string_view text) {
  const std::string host = "host " + std::to_string(url_.hosts.size() + 1);
  const bool bracketed = text.starts_with('[');
  std::string_view name = text;
  std::string_view port;
  if (bracketed) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong(host + " has a `[` without its `]`");
    name = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && port.front() != ':') return wrong(host + " has something else than a port after its `]`");
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    name = text.substr(0, colon);
    port = text.substr(colon);
  }
  if (name.empty()) return wrong(host + " is empty");
  if (!has_only(name, bracketed ? ":.%" : "-._")) {
    return wrong(host +
                 " has a character that no host name has; write a `/`, `?`, `,` or `:` of a password as %2F, %3F, "
                 "%2C, %3A and an IPv6 address in [ ]");
  }
  Host parsed{.name = std::string(name), .port = 0};
  if (!port.empty()) {
    const char* const end = port.data() + port.size();
    const auto [stop, error] = std::from_chars(port.data() + 1, end, parsed.port);
    if (error != std::errc() || stop != end || parsed.port == 0) {
      return wrong("the port of " + host + " is not a number from 1 to 65535");
    }
  }
  url_.hosts.push_back(std::move(parsed));
  return {};
}

Result<void> Parser::parse_query(std::string_view query) {
  for (std::size_t number = 1;; ++number) {
    if (number > kMaxUrlParameters) {
      return wrong("more than " + std::to_string(kMaxUrlParameters) + " parameters in the query");
    }
    const std::size_t ampersand = query.find('&');
    if (auto done = add_parameter(query.substr(0, ampersand), number); !done) return done;
    if (ampersand == std::string_view::npos) return {};
    query.remove_prefix(ampersand + 1);
  }
}

Result<void> Parser::add_parameter(std::string_view text, std::size_t number) {
  const std::string part = "parameter " + std::to_string(number) + " of the query";
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return wrong(part + " has no `=`; write name=value");
  const std::string_view name = text.substr(0, equals);
  if (name.empty() || !has_only(name, "-._")) {
    return wrong("the name of " + part + " may hold only letters, digits and -._, and not be empty");
  }
  auto value = decode(text.substr(equals + 1), part);
  if (!value) return std::unexpected(value.error());
  const auto known = std::ranges::find(url_.settings, name, &Setting::name);
  if (known != url_.settings.end()) {
    known->values.push_back(std::move(*value));
    known->is_list = true;
  } else {
    url_.settings.push_back(
        {.name = std::string(name), .values = {std::move(*value)}, .is_list = false, .source = "the URL"});
  }
  return {};
}

}  // namespace

Result<Url> parse_url(std::string_view text) { return Parser(text).parse(); }

std::string redact(std::string_view text) {
  const auto url = parse_url(text);
  if (!url) {
    const std::string_view scheme = scheme_of(text);
    return scheme.empty() ? "…" : std::string(scheme) + ":…";
  }
  std::string shown = url->broker;
  const std::size_t user = shown.find("://");
  const std::size_t path = user == std::string::npos ? user : shown.find('/', user + 3);
  const std::size_t at = user == std::string::npos ? user : shown.rfind('@', path);
  if (at != std::string::npos) shown.replace(user + 3, at - user - 3, url->password.empty() ? "***" : "***:***");
  char separator = '?';
  for (const Setting& setting : url->settings) {
    shown += separator + setting.name + "=***";
    separator = '&';
  }
  return shown;
}

}  // namespace ruststream::inline v0::options
