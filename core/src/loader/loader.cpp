#include "loader/loader.hpp"

#include "loader/table_fit.hpp"
#include "options/nearest.hpp"
#include "options/table.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <set>
#include <span>
#include <utility>

namespace ruststream::inline v0::loader {
namespace {

constexpr const char* kLinked = "(linked)";

std::string shown(std::string_view path) {
  constexpr std::size_t kMaxShownPath = 1024;
  return options::printable(path, kMaxShownPath);
}

std::unexpected<Error> refused(Code code, std::string_view path, std::string_view why) {
  return fail(code, "plugin " + shown(path) + " is refused: " + std::string(why), kUser);
}

const Plugin* serving(std::span<const Plugin* const> plugins, std::string_view scheme) {
  const auto found = std::ranges::find_if(plugins, [&](const Plugin* plugin) { return plugin->serves(scheme); });
  return found == plugins.end() ? nullptr : *found;
}

// The plugin among `plugins` that has one of the schemes too, as the sentence that refuses the second one.
std::string why_double(std::span<const Plugin* const> plugins, std::span<const std::string> schemes) {
  for (const std::string& scheme : schemes) {
    if (const Plugin* other = serving(plugins, scheme); other != nullptr) {
      return "scheme `" + scheme + "` belongs to " + shown(other->path()) + " (" + std::string(other->name()) +
             ") already; use one of them";
    }
  }
  return {};
}

// The files of one level that say they serve the scheme, each file once under whatever names it lies there.
std::vector<const Candidate*> claimants(std::span<const Directory> level, std::string_view scheme) {
  std::vector<const Candidate*> claiming;
  for (const Directory& directory : level) {
    for (const Candidate& file : directory.files) {
      const bool again =
          std::ranges::any_of(claiming, [&](const Candidate* c) { return c->identity == file.identity; });
      if (file.claims(scheme) && !again) claiming.push_back(&file);
    }
  }
  return claiming;
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && stop == text.data() + text.size() && port != 0;
}

std::string describe(const Directory& directory) {
  std::string text = shown(directory.path) + " (" + directory.level;
  if (directory.absent) return text + ", does not exist)";
  if (!directory.refusal.empty()) return text + ", refused: " + directory.refusal + ")";
  return text + ")";
}

}  // namespace

std::string_view Plugin::name() const noexcept { return options::view(table_->name); }
std::string_view Plugin::version() const noexcept { return options::view(table_->version); }

bool Plugin::serves(std::string_view scheme) const noexcept {
  const std::span<const rst_str> schemes(table_->schemes, table_->scheme_count);
  return std::ranges::any_of(schemes, [&](const rst_str& own) { return options::view(own) == scheme; });
}

void prepare_process() { platform::ignore_broken_pipe(); }

void protect_handlers() { platform::move_handlers_to_alternate_stack(); }

Loader::Loader() : Loader(Config{.search = search_path(surroundings()), .allow_second_runtime = false, .warn = {}}) {}

Loader::Loader(Config config) : config_(std::move(config)) {}

Result<const Plugin*> Loader::link(const rst_plugin* table) {
  const std::scoped_lock lock(mutex_);
  const auto same = std::ranges::find(linked_, table, [](const Plugin* plugin) { return &plugin->table(); });
  if (same != linked_.end()) return *same;
  if (const auto fit = check_fit(table, nullptr); !fit) return refused(fit.error().code, kLinked, fit.error().text);
  if (const std::string why = why_double(linked_, options::schemes_of(*table)); !why.empty())
    return refused(Code::exists, kLinked, why);
  if (const auto runtime = check_runtime(table->runtime, kLinked); !runtime) return std::unexpected(runtime.error());
  Plugin& plugin = plugins_.emplace_back();
  plugin.table_ = table;
  plugin.path_ = kLinked;
  linked_.push_back(&plugin);
  return &plugin;
}

Result<const Plugin*> Loader::load_path(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  const Candidate candidate = examine(path, Origin::named);
  if (!candidate.refusal.empty()) return refused(candidate.code, path, candidate.refusal);
  const Plugin* loaded = known(candidate.identity);
  if (loaded != nullptr && std::ranges::find(named_, loaded) != named_.end()) return loaded;
  if (const auto same = check_replaced(candidate); !same) return std::unexpected(same.error());
  if (const std::string why = why_double(named_, candidate.note.schemes); !why.empty()) {
    return refused(Code::exists, path, why);
  }
  auto plugin = load(candidate);
  if (plugin) named_.push_back(*plugin);
  return plugin;
}

Result<const Plugin*> Loader::for_scheme(std::string_view scheme, std::string_view name) {
  const std::scoped_lock lock(mutex_);
  if (const Plugin* plugin = serving(named_, scheme)) return plugin;
  if (const Plugin* plugin = serving(linked_, scheme)) return plugin;
  if (const auto found = found_.find(scheme); found != found_.end()) return found->second;
  auto plugin = search(scheme, name);
  if (plugin) found_.emplace(scheme, *plugin);
  return plugin;
}

Result<const Plugin*> Loader::search(std::string_view scheme, std::string_view name) {
  std::vector<Directory> searched;
  for (const Level& level : config_.search.levels) {
    std::vector<Directory> directories = list_level(level);
    const std::vector<const Candidate*> claiming = claimants(directories, scheme);
    for (const Candidate* candidate : claiming) {
      if (!candidate->refusal.empty()) return refused(candidate->code, candidate->path, candidate->refusal);
    }
    if (claiming.size() > 1) {
      return fail(Code::exists,
                  "two plugins have the scheme `" + options::printable(scheme) + "` in one place (" + level.label +
                      "): " + shown(claiming[0]->path) + " and " + shown(claiming[1]->path) +
                      "; remove one, or name the one you mean by its path",
                  kUser);
    }
    if (claiming.size() == 1) {
      warn_of_refused(searched);
      return load(*claiming.front());
    }
    std::ranges::move(directories, std::back_inserter(searched));
  }
  return std::unexpected(unknown_scheme(scheme, name, searched));
}

// A directory that was passed over for safety may have been meant to hold the plugin.
void Loader::warn_of_refused(const std::vector<Directory>& searched) const {
  for (const Directory& directory : searched) {
    if (config_.warn && !directory.absent && !directory.refusal.empty()) {
      config_.warn("no plugins were looked for in " + describe(directory));
    }
  }
}

Error Loader::unknown_scheme(std::string_view scheme, std::string_view name,
                             const std::vector<Directory>& searched) const {
  std::set<std::string> schemes;
  std::string refusals;
  std::string places;
  for (const Plugin& plugin : plugins_) {
    for (std::string& own : options::schemes_of(plugin.table())) schemes.insert(std::move(own));
  }
  for (const Directory& directory : searched) {
    places += (places.empty() ? "" : ", ") + describe(directory);
    for (const Candidate& file : directory.files) {
      if (!file.refusal.empty()) refusals += "\nRefused there: " + shown(file.path) + ": " + file.refusal;
      if (file.refusal.empty()) schemes.insert(file.note.schemes.begin(), file.note.schemes.end());
    }
  }
  const std::vector<std::string_view> known(schemes.begin(), schemes.end());
  std::string list;
  for (const std::string_view own : known) list += (list.empty() ? "" : ", ") + std::string(own);
  std::string hint = options::did_you_mean(scheme, known);
  if (is_port(name)) {
    const std::string host = options::printable(scheme) + ":" + std::string(name);
    hint = ": `" + host + "` looks like a host and its port; write SCHEME://" + host + ".";
  }
  std::string text = "no plugin has the scheme `" + options::printable(scheme) + "`" + (hint.empty() ? "." : hint) +
                     " Found: " + (list.empty() ? "none" : list) +
                     ". Searched: plugins named by path, plugins linked in" + (places.empty() ? "" : ", ") + places +
                     ". Put the plugin into one of these directories, or name it by its path." + refusals;
  return Error(Code::not_found, std::move(text), kUser);
}

const Plugin* Loader::known(const platform::FileIdentity& identity) const {
  const auto found = std::ranges::find_if(
      plugins_, [&](const Plugin& plugin) { return plugin.path_ != kLinked && plugin.identity_ == identity; });
  return found == plugins_.end() ? nullptr : &*found;
}

Result<void> Loader::check_runtime(std::uint32_t runtime, const std::string& path) const {
  if (runtime == RST_RUNTIME_NONE || config_.allow_second_runtime) return {};
  const auto other = std::ranges::find(plugins_, runtime, [](const Plugin& plugin) { return plugin.table().runtime; });
  if (other == plugins_.end()) return {};
  return refused(Code::exists, path,
                 "it brings a second " + std::string(runtime_name(runtime)) +
                     " runtime into the process, beside that of " + shown(other->path()) +
                     "; use one of them, or set allow_second_runtime");
}

// The system knows a mapped library by its path, and would give the old one again for the new file.
Result<void> Loader::check_replaced(const Candidate& candidate) const {
  const auto old = std::ranges::find(plugins_, candidate.real_path, &Plugin::path_);
  if (old == plugins_.end() || old->identity_ == candidate.identity) return {};
  return refused(Code::state, candidate.path,
                 "the file was replaced after it had been loaded; restart the program to use the new one");
}

Result<const Plugin*> Loader::load(const Candidate& candidate) {
  if (const Plugin* plugin = known(candidate.identity)) return plugin;
  if (const auto same = check_replaced(candidate); !same) return std::unexpected(same.error());
  if (const auto runtime = check_runtime(candidate.note.runtime, candidate.path); !runtime) {
    return std::unexpected(runtime.error());
  }
  const auto before = std::ranges::find(refused_, candidate.identity, &Refused::identity);
  if (before != refused_.end()) return std::unexpected(before->error);
  const auto table = map_library(candidate);
  if (!table) {
    refused_.push_back({.identity = candidate.identity, .error = table.error()});
    return std::unexpected(table.error());
  }
  Plugin& plugin = plugins_.emplace_back();
  plugin.table_ = *table;
  plugin.path_ = candidate.real_path;
  plugin.identity_ = candidate.identity;
  return &plugin;
}

Result<const rst_plugin*> Loader::map_library(const Candidate& candidate) {
  const auto wrong = [&](Code code, const std::string& why) { return refused(code, candidate.path, why); };
  prepare_process();
  const platform::SignalTable before = platform::SignalTable::now();
  const auto library = platform::load_library(candidate.real_path);
  if (const auto signals = check_signals(before, candidate); !signals) return std::unexpected(signals.error());
  if (!library) return wrong(Code::unavailable, "it does not load: " + options::printable(library.error().text, 512));
  const auto after = platform::status_of(candidate.real_path);
  if (!after || after->identity != candidate.identity) {
    return wrong(Code::denied, "it was replaced while it was being loaded; start again");
  }
  const auto entry = reinterpret_cast<rst_plugin_entry>(platform::symbol_of(*library, RST_ENTRY_SYMBOL));
  if (entry == nullptr) {
    return wrong(Code::unsupported, std::string("it does not define ") + RST_ENTRY_SYMBOL + "; export that function");
  }
  const rst_plugin* table = entry();
  if (const auto fit = check_fit(table, &candidate.note); !fit) return wrong(fit.error().code, fit.error().text);
  return table;
}

// A library that is loaded cannot be sent away again (H1), so what it did to the signals is undone where it may not.
Result<void> Loader::check_signals(const platform::SignalTable& before, const Candidate& candidate) {
  const std::vector<int> changed = before.changed();
  const bool declared = candidate.note.runtime != RST_RUNTIME_NONE;
  const std::vector<int> undone = declared ? before.handled(changed) : changed;
  std::string names;
  for (const int signal : undone) names += (names.empty() ? "" : ", ") + platform::signal_name(signal);
  before.restore(undone);
  protect_handlers();
  if (names.empty()) return {};
  if (!declared) {
    return refused(Code::unsupported, candidate.path,
                   "loading it changed what " + names +
                       " does, without declaring a language runtime (rule T1); that was "
                       "undone. Ask its author");
  }
  if (config_.warn) {
    config_.warn("plugin " + shown(candidate.path) + ": its " + std::string(runtime_name(candidate.note.runtime)) +
                 " runtime took over " + names + " from this program; the program's handlers were put back");
  }
  return {};
}

Listing Loader::list() {
  const std::scoped_lock lock(mutex_);
  Listing listing;
  listing.loaded = named_;
  std::ranges::copy(linked_, std::back_inserter(listing.loaded));
  for (const auto& [scheme, plugin] : found_) {
    const bool again = std::ranges::find(listing.loaded, plugin) != listing.loaded.end();
    if (!again) listing.loaded.push_back(plugin);
  }
  for (const Level& level : config_.search.levels) {
    std::ranges::move(list_level(level), std::back_inserter(listing.directories));
  }
  return listing;
}

}  // namespace ruststream::inline v0::loader
