// A URL that is accepted reads the same again from what is handed to the plugin, and neither an error nor the redacted
// form shows the password.
#include "options/url.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using ruststream::options::parse_url;

namespace {

// A password that occurs in a part which may be shown tells nothing; a short one does so by chance.
bool tells(const std::string& shown, const ruststream::options::Url& url) {
  constexpr std::size_t kTelling = 8;
  if (url.password.size() < kTelling) return false;
  const std::size_t secret = url.broker.find("://");
  const std::size_t path = secret == std::string::npos ? secret : url.broker.find('/', secret + 3);
  const std::size_t at = url.broker.rfind('@', path);
  std::string open = url.scheme + url.name + url.user;  // what may be shown: the text without its user information
  if (secret != std::string::npos && at != std::string::npos) open += url.broker.substr(at);
  for (const auto& setting : url.settings) open += '&' + setting.name + "=***";  // the names of the query
  if (open.find(url.password) != std::string::npos) return false;
  return shown.find(url.password) != std::string::npos && url.password.find('*') == std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string shown = ruststream::options::redact(text);
  const auto url = parse_url(text);
  if (!url) return url.error().text.empty() ? std::abort(), 0 : 0;
  const auto again = parse_url(url->broker);
  if (!again || again->scheme != url->scheme || again->password != url->password || again->path != url->path ||
      again->hosts.size() != url->hosts.size() || !again->settings.empty()) {
    std::abort();
  }
  if (tells(shown, *url)) std::abort();
  return 0;
}
