#pragma once

#include "loader/listing.hpp"
#include "loader/search_path.hpp"

#include <ruststream/abi.h>
#include <ruststream/error.hpp>

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::inline v0::loader {

/// A plugin in this process. Its library stays mapped until the process ends (H1), so the table and what it points to
/// are valid for ever; the object itself lives as long as its Loader.
class Plugin {
 public:
  [[nodiscard]] const rst_plugin& table() const noexcept { return *table_; }
  [[nodiscard]] std::string_view name() const noexcept;  ///< reverse-DNS
  [[nodiscard]] std::string_view version() const noexcept;
  [[nodiscard]] std::string_view path() const noexcept { return path_; }  ///< real path, or `(linked)`
  [[nodiscard]] bool serves(std::string_view scheme) const noexcept;

 private:
  friend class Loader;
  const rst_plugin* table_ = nullptr;
  std::string path_;
  platform::FileIdentity identity_;
};

/// What `list` found. Nothing of any file was executed.
struct Listing {
  std::vector<const Plugin*> loaded;  ///< those named by their path first, then the linked, then those found
  std::vector<Directory> directories;
};

/// Before the first load: ignores SIGPIPE (H7). A program installs its own signal handlers, SIGCHLD included, before it
/// too, since a handler installed after a Go plugin runs on goroutine stacks; for one that comes later call
/// protect_handlers().
void prepare_process();

/// Makes handlers that were installed since the last load safe beside foreign runtimes. The loader does it after each
/// load.
void protect_handlers();

/// Finds, checks and loads plugins. Any thread may call it; calls take turns, and a load runs the library's
/// constructors.
///
/// A scheme is looked for among the plugins named by their path, then among those linked into the application, then
/// level by level of the search path. The first place that has it decides: when its file is refused, nothing below is
/// tried.
class Loader {
 public:
  struct Config {
    SearchPath search;
    bool allow_second_runtime = false;  ///< two Go, JVM … plugins in one process, at the user's risk
    /// Called on the loading thread, under the loader's lock; may be empty.
    std::function<void(const std::string&)> warn;
  };

  /// Searches the default path.
  Loader();
  explicit Loader(Config config);

  /// A plugin that is part of the application. @return invalid for a malformed table, exists for a scheme twice.
  Result<const Plugin*> link(const rst_plugin* table);

  /// The plugin in that file, whoever may write to it. A file that is loaded already is given again.
  Result<const Plugin*> load_path(const std::string& path);

  /// The plugin for a URL's scheme; loaded at the first call. `name` is what a URL `scheme:name` has after the colon: a
  /// host and a port without a scheme look like one.
  Result<const Plugin*> for_scheme(std::string_view scheme, std::string_view name = {});

  /// Looks into every directory of the search path.
  [[nodiscard]] Listing list();

 private:
  Result<const Plugin*> search(std::string_view scheme, std::string_view name);
  Result<const Plugin*> load(const Candidate& candidate);
  Result<const rst_plugin*> map_library(const Candidate& candidate);
  Result<void> check_replaced(const Candidate& candidate) const;
  Result<void> check_runtime(std::uint32_t runtime, const std::string& path) const;
  Result<void> check_signals(const platform::SignalTable& before, const Candidate& candidate);
  void warn_of_refused(const std::vector<Directory>& searched) const;
  [[nodiscard]] Error unknown_scheme(std::string_view scheme, std::string_view name,
                                     const std::vector<Directory>& searched) const;
  [[nodiscard]] const Plugin* known(const platform::FileIdentity& identity) const;

  // A library that was mapped and then refused: its constructors do not run again, so neither would the checks of what
  // they did.
  struct Refused {
    platform::FileIdentity identity;
    Error error;
  };

  std::mutex mutex_;
  Config config_;
  std::deque<Plugin> plugins_;  // addresses stay
  std::vector<Refused> refused_;
  std::vector<const Plugin*> named_;  // by load_path
  std::vector<const Plugin*> linked_;
  std::map<std::string, const Plugin*, std::less<>> found_;  // by scheme
};

}  // namespace ruststream::inline v0::loader
