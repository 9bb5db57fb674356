// The program as a user starts it, against files that are no plugin and against plugins that harm their process.
#include "run_runner.hpp"

#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>

namespace {

namespace fs = std::filesystem;
using conformance_test::content;
using conformance_test::Ran;
using conformance_test::run;
using nlohmann::json;

/// How many processes of this machine have a hostile library mapped.
std::size_t hostile_processes() {
  std::size_t count = 0;
  for (const auto& each : fs::directory_iterator("/proc")) {
    if (each.path().filename().string().find_first_not_of("0123456789") != std::string::npos) continue;
    if (content(each.path() / "maps").find(HOSTILE) != std::string::npos) ++count;
  }
  return count;
}

/// A file for the time of one test.
class File {
 public:
  explicit File(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }
  ~File() { fs::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  fs::path path_ = fs::temp_directory_path() / ("conformance_file." + std::to_string(::getpid()));
};

std::string elf_of(unsigned char machine) {
  std::string head(
      "\x7F"
      "ELF\x02\x01\x01",
      7);
  head.resize(64, '\0');
  head[16] = 3;
  head[18] = static_cast<char>(machine);
  return head;
}

struct Unusable {
  std::string plugin, says;
};

TEST(Runner, SaysInOneSentenceWhyItCouldNotRun) {
  const File text("hello, I am a text file that is longer than a header\n");
  const File* const text_file = &text;
  const std::vector<Unusable> all{
      {"/nowhere/plugin.so", "there is no such file"},
      {"/tmp", "it is a directory"},
      {text_file->path(), "it is not an ELF file"},
      {HOSTILE "NO_SYMBOL.so", "it has no symbol rst_plugin_v0"},
      {HOSTILE "NULL_TABLE.so", "gave no table"},
      {HOSTILE "OTHER_DRAFT.so", "it is built for contract 0."},
      {HOSTILE "CONSTRUCTOR_CRASHES.so", "it crashed with SIGSEGV in crash (hostile.c:"},
      {HOSTILE "CONSTRUCTOR_HANGS.so --timeout 1s",
       "nothing happened any more while the runner was in its constructors"},
      {HOSTILE "CONSTRUCTOR_EXITS.so",
       "it ended the process with exit code 0 while the runner was in its constructors"},
      {MEMORY_PLUGIN " --filter settle.ack-is-finl", "did you mean `settle.ack-is-final`?"},
      {MEMORY_PLUGIN " --kind topics", "it has topic, log"},
      {MEMORY_PLUGIN " --testkit /nowhere.toml", "/nowhere.toml: the testkit cannot be read"},
      {MEMORY_PLUGIN " --option capacity=many", "option `capacity`: `many` is no number"},
      {MEMORY_PLUGIN " --filter settle.ack-is-final --json /nowhere/a.json",
       "/nowhere/a.json: the report cannot be written"},
  };
  for (const Unusable& each : all) {
    const Ran ran = run(each.plugin);
    EXPECT_EQ(ran.exit, 3) << each.plugin << ran.errors;
    EXPECT_NE(ran.errors.find(each.says), std::string::npos) << ran.errors;
  }
  EXPECT_EQ(hostile_processes(), 0U);
}

TEST(Runner, NamesTheArchitectureOfAForeignLibrary) {
  const File foreign(elf_of(243));  // RISC-V
  const Ran ran = run(foreign.path());
  EXPECT_EQ(ran.exit, 3);
  EXPECT_NE(ran.errors.find("it is built for RISC-V"), std::string::npos) << ran.errors;
}

struct Harm {
  std::string plugin, arguments, verdict;
  std::string rule;  // empty: that of whatever it is refused for
  std::string seen;
};

TEST(Runner, HarmCostsOneCaseAndNothingElse) {
  const std::string connects = " --filter settle.ack-is-final";
  const std::string skipped = " --filter settle.attempt-counts-retries";
  const std::vector<Harm> all{
      {"KILLED", connects, "crash", "S1", "killed by SIGKILL, inside connect"},
      {"EXITS", connects, "fail", "S1", "ended with exit code 0, inside connect"},
      {"STACK", connects, "crash", "S1", "crashed with SIGSEGV, inside connect"},
      {"HANGS", connects + " --timeout 6s", "hang", "B1", "nothing happened any more, inside connect"},
      {"GROWS", connects, "crash", "S1", "its memory grew past 2048 MiB, inside connect"},
      {"CLOSES", connects, "fail", "", ""},
      {"CLOSES_MANY", connects, "fail", "", ""},
      {"PRINTS", connects, "fail", "", ""},
      {"DAEMON", connects, "fail", "R1", "UNAVAILABLE"},
      {"FORKS", connects, "fail", "R1", "UNAVAILABLE"},
      {"CRASHES_AT_EXIT", skipped, "crash", "T5", "crashed with SIGSEGV"},
      {"HANGS_AT_EXIT", skipped + " --timeout 6s", "hang", "T5", "nothing happened any more"},
  };
  for (const Harm& each : all) {
    const Ran ran = run(HOSTILE + each.plugin + ".so --json -" + each.arguments);
    EXPECT_EQ(ran.exit, 1) << each.plugin << ran.errors;
    const json report = json::parse(ran.out, nullptr, false);
    ASSERT_TRUE(report.is_object()) << each.plugin << ran.out << ran.errors;
    ASSERT_EQ(report["results"].size(), 1U) << each.plugin;
    const json& result = report["results"][0];
    EXPECT_EQ(result["verdict"], each.verdict) << each.plugin << result.dump(1);
    ASSERT_TRUE(result.contains("violations")) << each.plugin << result.dump(1);
    if (!each.rule.empty()) {
      EXPECT_EQ(result["violations"][0]["rule"], each.rule) << each.plugin << result.dump(1);
    }
    EXPECT_NE(result["violations"][0]["seen"].get<std::string>().find(each.seen), std::string::npos) << result.dump(1);
    const bool forks = each.plugin == "DAEMON" || each.plugin == "FORKS";
    EXPECT_EQ(forks, result["violations"].back()["rule"] == "T4") << each.plugin << result.dump(1);
    const std::string output = result.value("output", "");
    EXPECT_EQ(each.plugin == "PRINTS", !output.empty()) << each.plugin << output.substr(0, 200);
    EXPECT_LE(output.size(), 3U * 64 * 1024) << "each byte that is no text is shown in three";
    EXPECT_EQ(hostile_processes(), 0U) << each.plugin;
  }
}

TEST(Runner, ShowsTheBacktraceOfACrash) {
  const Ran ran = run(HOSTILE "STACK.so --filter settle.ack-is-final");
  EXPECT_NE(ran.out.find("harm (hostile.c:"), std::string::npos) << ran.out;
}

TEST(Runner, ResultsComeInTheOrderOfTheCasesWhateverTheJobs) {
  const auto names = [](const std::string& jobs) {
    const json report = json::parse(run(MEMORY_PLUGIN " --filter 'settle.*' --repeat 3 --json - --jobs " + jobs).out);
    std::vector<std::string> all;
    for (const json& each : report["results"])
      all.push_back(each["case"].get<std::string>() + each["kind"].get<std::string>() + each["seed"].dump());
    return all;
  };
  const auto one = names("1");
  EXPECT_GE(one.size(), 18U);
  EXPECT_EQ(one, names("4"));
}

TEST(Runner, WrongUsageNamesTheNearestFlag) {
  const std::vector<std::pair<std::string, std::string>> all{
      {"--filtr x", "there is no option `--filtr`; did you mean `--filter`?"},
      {"", "name the plugin's .so file"},
      {"a.so b.so", "`b.so` is one too many"},
      {"a.so --option x", "--option takes KEY=VALUE, not `x`"},
      {"a.so --timeout 3", "--timeout takes a time such as"},
  };
  for (const auto& [arguments, says] : all) {
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.exit, 2) << arguments;
    EXPECT_NE(ran.errors.find(says), std::string::npos) << ran.errors;
  }
}

}  // namespace
