#include "../conformance/run_runner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace {

namespace fs = std::filesystem;
using conformance_test::run;
using nlohmann::json;

/// A folder that is searched: a plugin, and a file that is none.
class Cli : public testing::Test {
 protected:
  Cli() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    fs::create_symlink(PLUGIN, folder_ / "minimal.so");
    std::ofstream(folder_ / "text.so") << "hello";
    ::setenv("RUSTSTREAM_PLUGIN_PATH", folder_.c_str(), 1);
  }
  ~Cli() override { fs::remove_all(folder_); }

  /// The document that a command prints.
  static json document(const std::string& arguments) { return json::parse(run(arguments).out); }

  fs::path folder_ = fs::path(testing::TempDir()) / ("cli_test." + std::to_string(::getpid()));
};

/// The one of a list whose `key` is that.
const json& one(const json& list, const char* key, const std::string& value) {
  const auto found = std::ranges::find_if(list, [&](const json& each) { return each.value(key, "") == value; });
  if (found == list.end()) throw std::runtime_error(value + " is not in " + list.dump());
  return *found;
}

struct Wrong {
  const char* arguments;
  int exit;
  const char* says;
};

TEST_F(Cli, SaysInOneSentenceWhatIsWrong) {
  const Wrong table[] = {
      {"", 2, "a command is missing; the commands are: plugins, "},
      {"plugns", 2, "there is no command `plugns`; did you mean `plugins`?"},
      {"xyz", 2, "there is no command `xyz`; the commands are: plugins, "},
      {"plugins", 2, "a command is missing; the commands are: list, show, verify (ruststream plugins --help"},
      {"plugins lst", 2, "did you mean `list`?"},
      {"plugins list more", 2, "`more` is one word too many (ruststream plugins list --help"},
      {"plugins list --jso", 2, "there is no option `--jso`; did you mean `--json`?"},
      {"plugins list --program", 2, "--program expects one FILE"},
      {"plugins show", 2, "name a plugin, or its file"},
      {"plugins show minimal memory", 2, "`memory` is one word too many"},
      {"plugins show minimall", 3, "no plugin is called `minimall`; did you mean `minimal`?"},
      {"plugins show quux", 3, "no plugin is called `quux`; `ruststream plugins list` shows"},
      {"plugins show ./quux.so", 3, "plugin ./quux.so is refused: it cannot be found: No such file"},
      {"plugins show text", 1, "text.so is refused: it is no library (no ELF file)"},
      {"plugins show /", 1, "plugin / is refused: it is a directory, not a library"},
      {"plugins verify", 2, "name the files to look at"},
      {"new", 2, "a command is missing; the commands are: plugin (ruststream new --help"},
      {"new plugin", 2, "name the plugin (ruststream new plugin --help"},
      {"new plugin Fancy --lang c", 2, "`Fancy` cannot name a plugin: it is its URLs' scheme too, so small letters"},
      {"new plugin 'a/b' --lang c", 2, "`a/b` cannot name a plugin"},
      {"new plugin fancy", 2, "say in which language: --lang c, cpp, rust or go"},
      {"new plugin fancy --lang", 2, "--lang expects one LANGUAGE"},
      {"new plugin fancy --lang python", 2, "there is no scaffold in `python`; it is --lang c, cpp, rust or go"},
      {"new plugin fancy --lang rst", 2, "there is no scaffold in `rst`; did you mean `rust`?"},
      {"new plugin fancy --lang c --sdk /etc", 2, "--sdk is for rust and go: in C and C++ CMake finds"},
      {"new plugin fancy --lang go --sdk /etc", 3, "there is no SDK for go in /etc; name with --sdk the folder abi"},
      {"new plugin fancy --lang go --sdk 'a\"b'", 3, "cannot be written into go.mod, for its quotes, backslashes"},
      {"new plugin fancy --lang c --dir /etc", 3, "/etc is there already; name another folder with --dir"},
      {"new plugin fancy --lang c --dir /proc/fancy", 3, "/proc/fancy/CMakeLists.txt cannot be written: No such file"},
      {"completion", 2, "say for which shell"},
      {"completion fish", 2, "say for which shell"},
      {"--version >/dev/null; (" RUNNER " plugins list >/dev/full)", 3,
       "standard output cannot be written: No space left"},
#ifdef HOSTILE_CONSTRUCTOR_CRASHES
      {"plugins show " HOSTILE_CONSTRUCTOR_CRASHES, 1, "loading it ended its process (Segmentation fault); a constr"},
      {"plugins show " HOSTILE_CONSTRUCTOR_EXITS, 1, "loading it ended its process with exit code 0; a constructor"},
      {"plugins show " HOSTILE_CONSTRUCTOR_HANGS, 1, "it was not loaded within 10 s; a constructor"},
#endif
  };
  for (const Wrong& each : table) {
    SCOPED_TRACE(each.arguments);
    const auto ran = run(each.arguments);
    EXPECT_EQ(ran.exit, each.exit);
    EXPECT_NE(ran.errors.find(each.says), std::string::npos) << ran.errors;
    EXPECT_TRUE(ran.errors.starts_with("ruststream: ")) << ran.errors;
    EXPECT_EQ(std::ranges::count(ran.errors, '\n'), 1) << ran.errors;
    EXPECT_EQ(ran.out, "");
  }
}

TEST_F(Cli, HelpsEverywhere) {
  for (const std::string command :
       {"", "plugins", "plugins list", "plugins show", "plugins verify", "new", "new plugin", "completion"}) {
    const auto ran = run(command + " --help");
    EXPECT_EQ(ran.exit, 0) << command;
    EXPECT_NE(ran.out.find("Usage: ruststream" + (command.empty() ? "" : " " + command)), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("Exit code: 0 done"), std::string::npos) << ran.out;
  }
  EXPECT_TRUE(run("--version").out.starts_with("ruststream "));
}

TEST_F(Cli, ListsWhatAServiceWouldFindAndRunsNothing) {
#ifdef HOSTILE_CONSTRUCTOR_CRASHES
  fs::create_symlink(HOSTILE_CONSTRUCTOR_CRASHES, folder_ / "crashes.so");
#endif
  const auto ran = run("plugins list");
  EXPECT_EQ(ran.exit, 0);
  EXPECT_NE(ran.out.find("  org.example.minimal 0.1.0  minimal  minimal.so\n"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("  text.so: refused: it is no library (no ELF file)\n"), std::string::npos) << ran.out;
  EXPECT_LT(ran.out.find("linked into libruststream"), ran.out.find("RUSTSTREAM_PLUGIN_PATH")) << "the order of search";

  const json found = document("plugins list --json");
  const json& minimal = one(found.at("plugins"), "file", (folder_ / "minimal.so").string());
  EXPECT_EQ(minimal.at("schemes"), json::array({"minimal"}));
  EXPECT_EQ(minimal.at("level"), "RUSTSTREAM_PLUGIN_PATH");
  EXPECT_FALSE(minimal.contains("refusal"));
  EXPECT_TRUE(one(found.at("plugins"), "file", (folder_ / "text.so").string()).contains("refusal"));
  EXPECT_EQ(one(found.at("plugins"), "level", "linked into libruststream").at("name"), "org.ruststream.memory");
#ifdef HOSTILE_CONSTRUCTOR_CRASHES
  EXPECT_FALSE(one(found.at("plugins"), "file", (folder_ / "crashes.so").string()).contains("refusal"));
#endif
  EXPECT_TRUE(one(found.at("directories"), "level", "installed").at("path").get<std::string>().ends_with("/plugins"));
}

TEST_F(Cli, SearchesBesideAProgramThatIsNamed) {
  ::unsetenv("RUSTSTREAM_PLUGIN_PATH");
  fs::create_directories(folder_ / "plugins");
  fs::rename(folder_ / "minimal.so", folder_ / "plugins/minimal.so");
  const json found = document("plugins list --json --program " + (folder_ / "service").string());
  EXPECT_EQ(one(found.at("plugins"), "level", "beside the program").at("name"), "org.example.minimal");
  EXPECT_EQ(run("plugins show minimal").exit, 3);
}

TEST_F(Cli, ShowsAllThatATableSays) {
  for (const char* const name : {"minimal", "minimal.so", "org.example.minimal", PLUGIN}) {
    const json shown = document(std::string("plugins show --json ") + name);
    EXPECT_EQ(shown.at("name"), "org.example.minimal") << name;
    const json& kind = shown.at("kinds").at(0);
    EXPECT_EQ(kind.at("roles"), json::array({"subscription", "publisher"}));
    EXPECT_EQ(one(kind.at("capabilities"), "capability", "RETRY_POSITION").at("declared"), "native, front");
    const json& capacity = one(shown.at("options"), "name", "capacity");
    EXPECT_EQ(capacity.at("type"), "u64");
    EXPECT_EQ(capacity.at("default"), "1000");
    EXPECT_EQ(capacity.at("min"), 1);
    EXPECT_EQ(capacity.at("scopes"), json::array({"subscription"}));
  }
  const auto here = run("--version >/dev/null; cd " + folder_.string() +
                        " && mv minimal.so m.so && RUSTSTREAM_PLUGIN_PATH= " RUNNER " plugins show m.so");
  EXPECT_TRUE(here.out.starts_with("org.example.minimal 0.1.0\n  file        m.so\n")) << here.errors;
  const json memory = document("plugins show memory --json");
  EXPECT_EQ(memory.at("file"), nullptr);
  EXPECT_EQ(one(memory.at("options"), "name", "start").at("kinds"), json::array({"log"}));
  EXPECT_EQ(one(memory.at("options"), "name", "start").at("choices"), json::array({"earliest", "latest"}));
  EXPECT_EQ(one(memory.at("options"), "name", "op_timeout").at("unit"), "second");
  EXPECT_EQ(one(memory.at("statistics"), "name", "acked").at("type"), "counter");
  EXPECT_EQ(memory.at("fields").at(0).at("name"), "memory.sequence");

  const std::string text = run("plugins show memory").out;
  for (const char* const line :
       {"org.ruststream.memory 0.1.0\n  file        linked into libruststream\n",
        "\nkind topic: subscription, publisher", "\n    BATCH            native, up to 1024\n",
        "\noptions: connection\n",
        "\n  op_timeout           duration (a bare number: seconds), 1ns to 1d, default 30s\n      how long a request",
        "enum: earliest, latest, default earliest, of log\n", "\nfields\n  memory.sequence  u64\n",
        "\n  acked                counter of messages\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST_F(Cli, VerifiesFiles) {
  const std::string good = (folder_ / "minimal.so").string();
  const std::string text = (folder_ / "text.so").string();
  EXPECT_EQ(run("plugins verify --strict " + good).exit, 0);
  const auto ran = run("plugins verify " + good + " " + text);
  EXPECT_EQ(ran.exit, 1);
  EXPECT_NE(ran.out.find("minimal.so: org.example.minimal 0.1.0, contract 0.1 (draft)\n  pass  entry.one-symbol\n"),
            std::string::npos)
      << ran.out;
  EXPECT_NE(ran.out.find("text.so: refused: it is no library (no ELF file)\n"), std::string::npos) << ran.out;
  EXPECT_EQ(run("plugins verify " + text + " ./quux.so").exit, 3);
#ifdef HOSTILE_CONSTRUCTOR_CRASHES
  const auto verdicts = [](const std::string& file) { return document("plugins verify --json " + file).at(0); };
  const json unique = verdicts(BAD_UNIQUE_SYMBOL);
  EXPECT_TRUE(unique.at("failed"));
  EXPECT_EQ(one(unique.at("checks"), "check", "entry.no-unique-symbols").at("verdict"), "fail");
  const json lazy = verdicts(BAD_LAZILY_BOUND);
  EXPECT_EQ(one(lazy.at("checks"), "check", "entry.binds-at-once").at("verdict"), "warn");
  EXPECT_EQ(run("plugins verify " BAD_LAZILY_BOUND).exit, 0);
  EXPECT_EQ(run("plugins verify --strict " BAD_LAZILY_BOUND).exit, 1);
#endif
}

TEST_F(Cli, MakesAPluginOfThatName) {
  const struct {
    std::string language, source, says;
  } table[] = {{"c", "fancy.c", "#define NAME \"org.example.fancy\""},
               {"cpp", "fancy.cpp", "RUSTSTREAM_PLUGIN(Broker, \"org.example.fancy\", \"0.1.0\", \"fancy\");"},
               {"rust", "src/lib.rs", "plugin!(Inside, \"org.example.fancy\""},
               {"go", "main.go", "Name: \"org.example.fancy\""}};
  for (const auto& each : table) {
    SCOPED_TRACE(each.language);
    const fs::path made = folder_ / each.language;
    const json told = document("new plugin fancy --json --lang " + each.language + " --dir " + made.string());
    EXPECT_EQ(told.at("folder"), made.string());
    EXPECT_NE(conformance_test::content(made / each.source).find(each.says), std::string::npos);
    for (const std::string file : told.at("files")) {
      const std::string text = conformance_test::content(made / file);
      EXPECT_NE(text, "") << file;
      for (const char* const left : {"mybroker", "minimal\"", "@SDK@", "@VERSION@"}) {
        EXPECT_EQ(text.find(left), std::string::npos) << left << " is left in " << file;
      }
    }
  }
}

TEST_F(Cli, CompletesInBash) {
  const auto completed =
      [&](const std::string& words) {
        std::ofstream(folder_ / "try.bash")
            << "source <(" RUNNER " completion bash)\nCOMP_WORDS=(" << words
            << ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_ruststream\necho \"${COMPREPLY[*]}\"\n";
        return run("--version >/dev/null; bash " + (folder_ / "try.bash").string()).out;
      };
  const std::string file = (folder_ / "minimal.so").string();
  const std::string begun = file.substr(0, file.size() - 4);
  const struct {
    std::string words, completed;
  } table[] = {{"ruststream plug", "plugins\n"},
               {"ruststream plugins s", "show\n"},
               {"ruststream plugins list --", "--help --json --program\n"},
               {"ruststream plugins list --program " + begun, file + "\n"},
               {RUNNER " plugins show org.example", "org.example.minimal\n"},
               {"ruststream plugins verify " + begun, file + "\n"},
               {"ruststream new plugin fancy --lang r", "rust\n"},
               {"ruststream completion b", "bash\n"}};
  for (const auto& each : table) EXPECT_EQ(completed(each.words), each.completed) << each.words;
}

}  // namespace
