#pragma once

#include "options/setting.hpp"

#include <ruststream/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::inline v0::options {

constexpr std::size_t kMaxUrl = 8192;
constexpr std::size_t kMaxUrlHosts = 64;
constexpr std::size_t kMaxUrlParameters = 128;
constexpr std::size_t kMaxScheme = 32;

struct Host {
  std::string name;        ///< as written, an IPv6 address without its brackets
  std::uint16_t port = 0;  ///< 0 when the URL names none
};

/// A broker URL taken apart: `scheme:`, `scheme:name`, or
/// `scheme://[user[:password]@][host[:port][,host[:port]…]][/path][?name=value[&…]]`.
///
/// All parts but hosts are percent-decoded; a `+` is a plus. User, password and the values of the query may be secret.
struct Url {
  std::string scheme;  ///< in lower case
  std::string name;    ///< of `scheme:name`; empty in the long form
  std::string user;
  std::string password;
  std::vector<Host> hosts;
  std::string path;               ///< without the leading slash
  std::vector<Setting> settings;  ///< the query in the order written; a name written again makes a list
  std::string broker;             ///< the text without the query: what a plugin gets as its `url`
};

/// Strict: what is not in the form above is refused. The error names the part and the remedy, and shows nothing of the
/// text but its scheme, since in a malformed URL any part may turn out to be the password.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

/// The URL for people: user and password as `***` (a user alone may be a token), values of the query too. Of a text
/// that is no URL only the scheme is shown.
[[nodiscard]] std::string redact(std::string_view text);

}  // namespace ruststream::inline v0::options
