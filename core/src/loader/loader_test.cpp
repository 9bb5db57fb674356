#include "loader/loader.hpp"

#include "loader/test_directory.hpp"
#include "options/test_table.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <dlfcn.h>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace ruststream::loader {
namespace {

class LoaderTest : public testing::Test {
 protected:
  /// A loader that searches these directories, each its own level.
  Loader::Config levels(const std::vector<std::vector<std::string>>& levels) {
    Loader::Config config;
    for (const auto& directories : levels) {
      config.search.levels.push_back(
          {.label = "level " + std::to_string(config.search.levels.size()), .directories = directories, .ignored = {}});
    }
    config.warn = [this](const std::string& text) { warnings_.push_back(text); };
    return config;
  }
  static std::string text_of(const Result<const Plugin*>& result) { return result ? "loaded" : result.error().text; }
  std::string refusal(const std::string& plugin) {
    Loader loader{Loader::Config{}};
    return text_of(loader.load_path(first_.add(plugin)));
  }

  test::TestDirectory first_;
  test::TestDirectory second_;
  std::vector<std::string> warnings_;
};

TEST_F(LoaderTest, FindsAPluginByItsSchemeAndLoadsItOnce) {
  first_.add("good");
  second_.add("other");
  Loader loader(levels({{first_.path()}, {second_.path()}}));
  const auto plugin = loader.for_scheme("other");
  ASSERT_TRUE(plugin) << plugin.error().text;
  EXPECT_EQ((*plugin)->name(), "org.example.other");
  EXPECT_EQ((*plugin)->version(), "1.0.0");
  EXPECT_EQ((*plugin)->path(), second_.at("other.so"));
  EXPECT_EQ(*loader.for_scheme("other"), *plugin);
  EXPECT_EQ(*loader.load_path(second_.at("other.so")), *plugin);
  EXPECT_EQ(loader.list().loaded, std::vector<const Plugin*>{*plugin});
  EXPECT_EQ(::dlsym(RTLD_DEFAULT, RST_ENTRY_SYMBOL), nullptr) << "its symbols are its own";
}

TEST_F(LoaderTest, ANamedPluginPrecedesALinkedOneAndThatTheSearchedOnes) {
  first_.add("good");
  second_.add("twin");
  options::test::TestTable linked;
  linked.schemes[0] = options::test::str("test");
  Loader loader(levels({{second_.path()}}));
  EXPECT_EQ((*loader.for_scheme("test"))->name(), "org.example.twin");
  ASSERT_TRUE(loader.link(&linked.table));
  EXPECT_EQ((*loader.for_scheme("test"))->path(), "(linked)");
  ASSERT_TRUE(loader.load_path(first_.at("good.so")));
  EXPECT_EQ((*loader.for_scheme("test"))->path(), first_.at("good.so"));
}

TEST_F(LoaderTest, ALinkedPluginNeedsNoDirectory) {
  options::test::TestTable linked;
  Loader loader(levels({{"/nowhere/at/all"}}));
  ASSERT_TRUE(loader.link(&linked.table));
  EXPECT_EQ(loader.link(&linked.table).value(), loader.for_scheme("broker").value());
  options::test::TestTable again;
  EXPECT_EQ(
      text_of(loader.link(&again.table)),
      "plugin (linked) is refused: scheme `broker` belongs to (linked) (org.example.broker) already; use one of them");
  again.table.connect = nullptr;
  EXPECT_NE(text_of(loader.link(&again.table)).find("lacks mandatory verbs: connect"), std::string::npos);
  EXPECT_NE(text_of(loader.link(nullptr)).find("returned no table"), std::string::npos);
}

TEST_F(LoaderTest, TheHigherLevelHidesTheLower) {
  first_.add("good");
  second_.add("twin");
  Loader loader(levels({{first_.path()}, {second_.path()}}));
  EXPECT_EQ((*loader.for_scheme("test"))->name(), "org.example.test");
}

TEST_F(LoaderTest, TwoOfOneSchemeInOnePlaceAreRefusedByName) {
  first_.add("good");
  second_.add("twin");
  Loader loader(levels({{first_.path(), second_.path()}}));
  const auto plugin = loader.for_scheme("test");
  ASSERT_FALSE(plugin);
  EXPECT_EQ(plugin.error().text, "two plugins have the scheme `test` in one place (level 0): " + first_.at("good.so") +
                                     " and " + second_.at("twin.so") +
                                     "; remove one, or name the one you mean by its path");
  ASSERT_TRUE(loader.load_path(first_.at("good.so")));
  EXPECT_NE(text_of(loader.load_path(second_.at("twin.so"))).find("scheme `test` belongs to " + first_.at("good.so")),
            std::string::npos);
  EXPECT_EQ((*loader.for_scheme("test"))->name(), "org.example.test");
}

TEST_F(LoaderTest, ASecondNamedPluginOfASchemeIsRefusedBeforeItRuns) {
  Loader loader{Loader::Config{}};
  ASSERT_TRUE(loader.load_path(first_.add("good")));
  ::setenv("RST_TEST_MARK", first_.at("mark").c_str(), 1);
  EXPECT_FALSE(loader.load_path(first_.add("marker")));
  ::unsetenv("RST_TEST_MARK");
  EXPECT_FALSE(std::filesystem::exists(first_.at("mark")));
}

TEST_F(LoaderTest, AFileUnderTwoNamesIsOnePlugin) {
  first_.add("good");
  std::filesystem::create_symlink(first_.at("good.so"), first_.at("alias.so"));
  Loader loader(levels({{first_.path()}}));
  const auto plugin = loader.for_scheme("test");
  ASSERT_TRUE(plugin) << plugin.error().text;
  EXPECT_EQ((*plugin)->path(), first_.at("good.so"));
}

TEST_F(LoaderTest, ARefusedFileIsNotReplacedByOneFurtherDown) {
  first_.add("good");
  first_.chmod("good.so", 0666);
  second_.add("twin");
  Loader loader(levels({{first_.path()}, {second_.path()}}));
  EXPECT_EQ(
      text_of(loader.for_scheme("test")),
      "plugin " + first_.at("good.so") +
          " is refused: others can write it; take that right away (chmod, chown), or name the plugin by its path");
}

TEST_F(LoaderTest, AnUnsafeDirectoryIsPassedOverWithAWarning) {
  first_.add("good");
  first_.chmod("", 0777);
  second_.add("twin");
  Loader loader(levels({{first_.path()}, {second_.path()}}));
  EXPECT_EQ((*loader.for_scheme("test"))->name(), "org.example.twin");
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_NE(warnings_[0].find("no plugins were looked for in " + first_.path()), std::string::npos) << warnings_[0];
}

TEST_F(LoaderTest, AnUnknownSchemeNamesWhatWasFoundRefusedAndSearched) {
  first_.add("other");
  first_.write("broken.so", "text");
  options::test::TestTable linked;
  Loader loader(levels({{first_.path()}, {"/nowhere/at/all"}}));
  ASSERT_TRUE(loader.link(&linked.table));
  const auto plugin = loader.for_scheme("brokre");
  ASSERT_FALSE(plugin);
  EXPECT_EQ(plugin.error().code, Code::not_found);
  EXPECT_EQ(
      plugin.error().text,
      "no plugin has the scheme `brokre`; did you mean `broker`? Found: broker, broker+tls, other. Searched: plugins "
      "named by path, plugins linked in, " +
          first_.path() +
          " (level 0), /nowhere/at/all (level 1, does not exist). Put the plugin into one of these directories, or "
          "name it by its path.\nRefused there: " +
          first_.at("broken.so") + ": it is no library (no ELF file)");
}

TEST_F(LoaderTest, AHostAndPortWithoutASchemeGetsTheSchemeThatIsMissing) {
  Loader loader{Loader::Config{}};
  const std::string meant =
      "no plugin has the scheme `localhost`: `localhost:4222` looks like a host and its port; write "
      "SCHEME://localhost:4222. Found: none.";
  EXPECT_TRUE(text_of(loader.for_scheme("localhost", "4222")).starts_with(meant));
  for (const std::string_view name : {"", "orders", "0", "65536", "42x"})
    EXPECT_TRUE(
        text_of(loader.for_scheme("localhost", name)).starts_with("no plugin has the scheme `localhost`. Found"));
}

TEST_F(LoaderTest, EachBrokenLibraryIsRefusedWithItsReason) {
  const struct {
    const char *plugin, *says;
  } cases[] = {
      {"no_note", "it is a library, but no plugin"},
      {"no_entry", "it does not define rst_plugin_v0; export that function"},
      {"borrowed_entry", "it does not define rst_plugin_v0"},
      {"null_table", "rst_plugin_v0 returned no table"},
      {"other_major", "it is built for contract 1."},
      {"other_minor", "it is built for contract 0.999 (draft)"},
      {"table_minor", "it is built for contract 0.998 (draft)"},
      {"min_host", "it needs a host with contract 0.999 or later, this one has 0."},
      {"missing_verbs", "its table lacks mandatory verbs: validate, connect"},
      {"small_table", "its table is malformed: struct_size is 64; it is at least 256"},
      {"note_name", "its note and its table disagree: name (`org.example.test`, `org.example.impostor`)"},
      {"note_scheme", "its note and its table disagree: schemes (test; elsewhere)"},
      {"unresolved", "it does not load: "},
  };
  for (const auto& c : cases) {
    const std::string text = refusal(c.plugin);
    EXPECT_TRUE(text.starts_with("plugin " + first_.at(c.plugin) + ".so is refused: ")) << text;
    EXPECT_NE(text.find(c.says), std::string::npos) << text;
  }
  Loader loader{Loader::Config{}};
  EXPECT_NE(text_of(loader.load_path(first_.at("gone.so"))).find("it cannot be found"), std::string::npos);
  EXPECT_NE(text_of(loader.load_path(first_.path())).find("it is a directory"), std::string::npos);
}

TEST_F(LoaderTest, ASecondExclusiveRuntimeIsRefusedUnlessAllowed) {
  first_.add("go_one");
  first_.add("go_two");
  Loader::Config config = levels({{first_.path()}});
  Loader loader(config);
  ASSERT_TRUE(loader.for_scheme("go1"));
  const std::string text = text_of(loader.for_scheme("go2"));
  EXPECT_NE(text.find("second Go runtime into the process, beside that of " + first_.at("go_one.so")),
            std::string::npos)
      << text;
  config.allow_second_runtime = true;
  Loader tolerant(config);
  EXPECT_TRUE(tolerant.for_scheme("go1"));
  EXPECT_TRUE(tolerant.for_scheme("go2"));
}

TEST_F(LoaderTest, AFileReplacedWhileItIsLoadedIsRefused) {
  const std::string path = first_.add("replacing");
  second_.add("good");
  ::setenv("RST_TEST_NEW_FILE", second_.at("good.so").c_str(), 1);
  ::setenv("RST_TEST_OLD_FILE", path.c_str(), 1);
  Loader loader{Loader::Config{}};
  const std::string text = text_of(loader.load_path(path));
  ::unsetenv("RST_TEST_NEW_FILE");
  EXPECT_NE(text.find("it was replaced while it was being loaded"), std::string::npos) << text;
}

TEST_F(LoaderTest, AFileReplacedAfterItWasLoadedAsksForARestart) {
  const std::string path = first_.add("good");
  second_.add("twin");
  Loader loader{Loader::Config{}};
  ASSERT_TRUE(loader.load_path(path));
  std::filesystem::rename(second_.at("twin.so"), path);
  EXPECT_NE(text_of(loader.load_path(path)).find("restart the program"), std::string::npos);
}

void on_signal(int) {}

struct sigaction action_of(int signal) {
  struct sigaction action{};
  ::sigaction(signal, nullptr, &action);
  return action;
}

// Puts back what the tests below, and the libraries they load, do to the test program.
class LoaderSignalTest : public LoaderTest {
 protected:
  void TearDown() override { before_.restore(before_.changed()); }
  platform::SignalTable before_ = platform::SignalTable::now();
};

TEST_F(LoaderSignalTest, ABrokenPipeIsIgnoredBeforeTheFirstLoadUnlessTheProgramHandlesIt) {
  ::signal(SIGPIPE, SIG_DFL);
  prepare_process();
  EXPECT_EQ(action_of(SIGPIPE).sa_handler, SIG_IGN);
  ::signal(SIGPIPE, on_signal);
  prepare_process();
  EXPECT_EQ(action_of(SIGPIPE).sa_handler, &on_signal);
}

TEST_F(LoaderSignalTest, HandlersRunOnTheAlternateStackAfterALoad) {
  ::signal(SIGTERM, on_signal);
  ASSERT_EQ(action_of(SIGTERM).sa_flags & SA_ONSTACK, 0);
  EXPECT_EQ(refusal("good"), "loaded");
  EXPECT_NE(action_of(SIGTERM).sa_flags & SA_ONSTACK, 0);
  EXPECT_EQ(action_of(SIGTERM).sa_handler, &on_signal);
}

TEST_F(LoaderSignalTest, APluginThatTakesSignalsWithoutARuntimeIsRefusedForGood) {
  ::signal(SIGTERM, on_signal);
  const std::string path = first_.add("takes_signals");
  Loader loader{Loader::Config{}};
  for (int attempt = 0; attempt < 2; ++attempt) {
    const std::string text = text_of(loader.load_path(path));
    EXPECT_NE(text.find("SIGTERM does, without declaring a language runtime (rule T1)"), std::string::npos) << text;
  }
  EXPECT_EQ(action_of(SIGTERM).sa_handler, &on_signal);
}

TEST_F(LoaderSignalTest, ADeclaredRuntimeKeepsFaultsButNotTheProgramsOwnSignals) {
  ::signal(SIGTERM, on_signal);
  Loader loader(levels({}));
  EXPECT_EQ(text_of(loader.load_path(first_.add("runtime_signals"))), "loaded");
  EXPECT_EQ(action_of(SIGTERM).sa_handler, &on_signal);
  EXPECT_NE(action_of(SIGSEGV).sa_handler, SIG_DFL);
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_NE(warnings_[0].find("JVM runtime took over SIGTERM"), std::string::npos) << warnings_[0];
}

TEST_F(LoaderTest, ThreadsGetOnePlugin) {
  first_.add("good");
  Loader loader(levels({{first_.path()}}));
  std::vector<const Plugin*> got(4);
  {
    std::vector<std::jthread> threads;
    threads.reserve(got.size());
    for (const Plugin*& slot : got) threads.emplace_back([&] { slot = loader.for_scheme("test").value_or(nullptr); });
  }
  ASSERT_NE(got[0], nullptr);
  for (const Plugin* plugin : got) EXPECT_EQ(plugin, got[0]);
}

}  // namespace
}  // namespace ruststream::loader
