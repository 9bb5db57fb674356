#include "log/line.hpp"

#include "options/utf8.hpp"

#include <array>
#include <utility>

namespace ruststream::inline v0::log {
namespace {

constexpr std::array<std::string_view, 6> kLevelNames{"off", "error", "warn", "info", "debug", "trace"};
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  ///< U+FFFD
constexpr std::string_view kEllipsis = "…";
constexpr std::size_t kMaxTarget = 128;

std::string_view name_of(Level level) { return kLevelNames.at(static_cast<std::size_t>(level)); }

/// How many bytes the character at the front takes, 0 when it is no UTF-8.
std::size_t character_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return length <= text.size() && options::is_utf8(text.substr(0, length)) ? length : 0;
}

/// A control character, a quote or a backslash, escaped as JSON does.
std::string escaped(char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: break;
  }
  const auto byte = static_cast<unsigned char>(c);
  return {'\\', 'u', '0', '0', kHex[byte >> 4U], kHex[byte & 15U]};
}

/// Appends `text` escaped, in at most `limit` bytes; quotes and backslashes only where a quote would end something.
void append(std::string& out, std::string_view text, std::size_t limit, bool quoted) {
  const std::size_t end = out.size() + limit - kEllipsis.size();
  while (!text.empty()) {
    const char c = text.front();
    const std::size_t length = character_length(text);
    const bool special = static_cast<unsigned char>(c) < 0x20 || c == 0x7F || (quoted && (c == '"' || c == '\\'));
    std::string piece;
    if (length == 0) {
      piece = kReplacement;
    } else if (special) {
      piece = escaped(c);
    } else {
      piece = text.substr(0, length);
    }
    if (out.size() + piece.size() > end) {
      out += kEllipsis;
      return;
    }
    out += piece;
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

std::string quoted(std::string_view text, std::size_t limit) {
  std::string out = "\"";
  append(out, text, limit, true);
  return out += '"';
}

bool is_plain(std::string_view text) {
  return !text.empty() && text.find_first_of(" \t\r\n\"\\=") == std::string_view::npos;
}

std::string value(const Field& field, bool json) {
  if (field.is_number) return std::to_string(field.number);
  if (json || !is_plain(field.text)) return quoted(field.text, kMaxText);
  std::string out;
  append(out, field.text, kMaxText, false);
  return out;
}

/// As many fields as fit, and `cut` when that is not all.
void append_fields(std::string& out, const Record& record, bool json, std::string_view cut) {
  bool complete = true;
  for (const Field& field : record.fields) {
    const std::string part =
        (json ? "," + quoted(field.name, kMaxTarget) + ":" : " " + std::string(field.name) + "=") + value(field, json);
    const bool fits = out.size() + part.size() + cut.size() <= kMaxPayload;
    if (fits) out += part;
    complete = complete && fits;
  }
  if (!complete) out += cut;
}

}  // namespace

std::string text_payload(const Record& record) {
  std::string out(name_of(record.level));
  out.resize(6, ' ');
  append(out, record.target, kMaxTarget, false);
  out += ": ";
  append(out, record.text, kMaxText, false);
  append_fields(out, record, false, " (cut)");
  return out;
}

std::string json_payload(const Record& record) {
  std::string out = "\"level\":\"" + std::string(name_of(record.level)) +
                    "\",\"target\":" + quoted(record.target, kMaxTarget) + ",\"msg\":" + quoted(record.text, kMaxText);
  append_fields(out, record, true, ",\"cut\":true");
  return out;
}

}  // namespace ruststream::inline v0::log
