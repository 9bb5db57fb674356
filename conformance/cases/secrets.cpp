// Secrets stay secret: rule O2. The host looks into every log line, error and event; here it is given odd ones.
#include "host/secrets.hpp"

#include "cases/case.hpp"
#include "cases/life.hpp"

#include <cctype>

namespace conformance {
namespace {

constexpr std::string_view kSecret = "sw0rd/+&fish %=q";  // is written otherwise in a URL and in base64

/// Every option of a connection that is a secret text, given.
OptionTexts secret_options(const Test& t) {
  OptionTexts all;
  for (std::uint32_t i = 0; i < t.plugin.table().option_count; ++i) {
    const rst_option_decl& option = t.plugin.option(i);
    const bool text = option.type == RST_TYPE_STRING || option.type == RST_TYPE_BYTES;
    if ((option.flags & RST_OPTION_SECRET) != 0 && (option.scopes & RST_SCOPE_CONNECTION) != 0 && text)
      all.emplace_back(view(option.name), kSecret);
  }
  return all;
}

std::string percent_encoded(std::string_view text) {
  std::string made;
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) {
      made += c;
    } else {
      made += {'%', kDigits[byte >> 4U], kDigits[byte & 0xFU]};
    }
  }
  return made;
}

/// The URL with credentials, and with a secret among what follows `?`.
std::vector<std::string> secret_urls(const std::string& url) {
  std::vector<std::string> all{url + (url.find('?') == std::string::npos ? "?" : "&") +
                               "password=" + percent_encoded(kSecret)};
  if (const auto at = url.find("://"); at != std::string::npos) {
    const std::size_t host = url.find('@') == std::string::npos ? at + 3 : url.find('@') + 1;
    all.push_back(url.substr(0, at + 3) + "user:" + percent_encoded(kSecret) + "@" + url.substr(host));
  }
  return all;
}

void try_one(Test& t, const Connect& wanted) {
  auto [on, pending] = t.instance().try_connect(wanted);
  const Outcome outcome = pending.wait();  // whether it works is not what this is about
  if (outcome.ok()) {
    on.handle = outcome.value;
    (void)on.close().wait();
  }
}

constexpr Case kCases[] = {
    {.name = "secrets.options",
     .rule = "O2",
     .says = "A secret option is in no log line, error and event, raw, percent-encoded or in base64.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           const OptionTexts secret = secret_options(t);
           if (secret.empty()) Test::skip("no option of a connection is SECRET");
           t.instance().host.secrets = {std::string(kSecret)};
           try_one(t, {.options = secret, .timeout = 2s});
           OptionTexts wrong = secret;
           wrong.emplace_back("no.such.option", "x");
           try_one(t, {.options = wrong, .timeout = 2s});
           t.pass(t.testkit.quiet);
         }},
    {.name = "secrets.url",
     .rule = "O2",
     .says =
         "The URL is a secret: neither it nor the password in it is shown, when connecting works and when it fails.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           for (const std::string& url : secret_urls(t.testkit.url)) {
             t.instance().host.secrets = {std::string(kSecret), url};
             try_one(t, {.url = url, .timeout = 2s});
             try_one(t, {.url = url, .options = {{"no.such.option", "x"}}, .timeout = 2s});
             try_one(t, {.url = "no such:" + url, .timeout = 2s});
           }
           t.pass(t.testkit.quiet);
         }},
    {.name = "secrets.validate",
     .rule = "O2",
     .says = "No text and no problem of validate shows a secret, the name of the server included.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           OptionTexts texts = joined(t.testkit.options, secret_options(t));
           texts.emplace_back("no.such.option", "x");
           const auto options = OptionArray::make(t.plugin, texts);
           if (!options) Test::skip("the testkit does not fit the plugin: " + options.error());
           for (const std::uint32_t count : {options->size(), options->size() - 1}) {
             for (const std::string& url : secret_urls(t.testkit.url)) {
               const Lent<char> lent = lend_bytes(url, "rst_connection_spec.url");
               const Lent<rst_connection_spec> spec("rst_connection_spec");
               spec->struct_size = sizeof(rst_connection_spec);
               spec->id = 1;
               spec->url = {lent.get(), url.size()};
               spec->options = options->data();
               spec->option_count = count;
               const Plan plan = validate(t, RST_SCOPE_CONNECTION, spec.get());
               for (const std::string& secret : {std::string(kSecret), url}) {
                 for (const std::string& form : forms_of_secret(secret)) {
                   for (const auto& [key, text] : plan.texts)
                     t.expect(text.find(form) == std::string::npos, "O2", "texts of validate without secrets",
                              quoted(text));
                   for (const auto& [code, text] : plan.issues)
                     t.expect(text.find(form) == std::string::npos, "O2", "problems without secrets", quoted(text));
                 }
               }
             }
           }
         }},
};

}  // namespace

std::span<const Case> secret_cases() { return kCases; }

}  // namespace conformance
