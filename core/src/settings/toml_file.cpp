#include "settings/toml_file.hpp"

// The only file that compiles toml++: four seconds of it.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include "options/nearest.hpp"
#include "settings/convert.hpp"
#include "settings/key_depth.hpp"

#include <toml++/toml.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sstream>
#include <utility>

namespace ruststream::inline v0::settings {
namespace {

constexpr std::size_t kMaxDepth = 32;  ///< parts of a key, and tables in tables; no key of ours is that deep

std::string number_text(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

template <class T>
std::string streamed(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

/// The text of a scalar; nothing for a table or an array.
std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* number = node.as_floating_point()) return number_text(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* date = node.as_date()) return streamed(date->get());
  if (const auto* time = node.as_time()) return streamed(time->get());
  if (const auto* moment = node.as_date_time()) return streamed(moment->get());
  return std::nullopt;
}

class Reader {
 public:
  Reader(const std::string& name, Settings& settings) : name_(name), settings_(settings) {}

  void table(const toml::table& table, const std::string& prefix, std::size_t depth) {
    for (const auto& [key, node] : table) {
      const std::string path = prefix.empty() ? std::string(key.str()) : prefix + "." + std::string(key.str());
      if (const auto* inner = node.as_table(); inner == nullptr) {
        value(node, path);
      } else if (depth == kMaxDepth) {
        problem(node, path, "tables go no deeper than " + std::to_string(kMaxDepth));
      } else {
        this->table(*inner, path, depth + 1);
      }
    }
  }

  Result<void> finish() {
    if (problems_.empty()) return {};
    return fail(Code::option, std::move(problems_));
  }

 private:
  void value(const toml::node& node, const std::string& path) {
    Setting setting;
    setting.key = path;
    setting.layer = Layer::file;
    setting.source = name_ + ":" + std::to_string(node.source().begin.line);
    if (const auto* array = node.as_array()) {
      setting.is_list = true;
      for (const toml::node& item : *array) {
        auto text = scalar_text(item);
        if (!text) return problem(item, path, "a list holds texts, numbers, booleans or dates only");
        setting.items.push_back(std::move(*text));
      }
    } else {
      setting.items.push_back(scalar_text(node).value_or(""));
    }
    settings_.set(std::move(setting));
  }

  void problem(const toml::node& node, const std::string& path, const std::string& text) {
    if (!problems_.empty()) problems_ += '\n';
    problems_ +=
        options::printable(path) + " (" + name_ + ":" + std::to_string(node.source().begin.line) + "): " + text;
  }

  const std::string& name_;
  Settings& settings_;
  std::string problems_;
};

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

Result<void> apply_toml(std::string_view text, const std::string& name, Settings& settings) {
  if (text.size() > kMaxFileBytes)
    return fail(Code::option, name + ": larger than " + std::to_string(kMaxFileBytes) + " bytes");
  if (const std::size_t line = line_of_too_deep_key(text, kMaxDepth); line != 0)
    return fail(Code::option, name + ":" + std::to_string(line) + ": a key of more than " + std::to_string(kMaxDepth) +
                                  " parts; no setting has so many");
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    const auto& at = parsed.error().source().begin;
    return fail(Code::option, name + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " +
                                  std::string(parsed.error().description()));
  }
  Reader reader(name, settings);
  reader.table(parsed.table(), "", 1);
  return reader.finish();
}

Result<void> apply_toml_file(const std::string& path, Settings& settings) {
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return fail(Code::option, path + ": cannot open the settings file: " + std::strerror(errno));
  std::string text(kMaxFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0)
    return fail(Code::option, path + ": cannot read the settings file: " + std::strerror(errno));
  return apply_toml(text, path, settings);
}

}  // namespace ruststream::inline v0::settings
