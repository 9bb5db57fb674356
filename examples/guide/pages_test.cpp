// Holds the pages in docs/ to the programs beside this file and to other sources that are compiled:
//   ```cpp title="examples/guide/x.cpp:section"   has the text of that section; `…` instead of a name: of some lines
//   ```cpp title="examples/guide/x.cpp"           has the whole file; several such blocks have it together, in order
//   ```toml title="x.toml"                        is written to a file, for the commands of the page
//   ```console                                    its `$ ` lines are run, and print the rest (… is any text of a line)
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Block {
  std::string language, about, text;
  int line = 0;
};

std::string read(const fs::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path << " cannot be read";
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<Block> blocks_of(const fs::path& page) {
  std::vector<Block> blocks;
  std::istringstream lines(read(page));
  std::string line;
  bool inside = false;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (!line.starts_with("```")) {
      if (inside) blocks.back().text += line + "\n";
      continue;
    }
    inside = !inside;
    if (!inside) continue;
    const std::string info = line.substr(3);
    constexpr std::string_view kTitle = " title=\"";
    const auto title = info.find(kTitle);
    const auto begin = title == std::string::npos ? info.size() : title + kTitle.size();
    blocks.push_back({info.substr(0, title), info.substr(begin, info.rfind('"') - begin), {}, number});
  }
  EXPECT_FALSE(inside) << page << ": a block does not end";
  return blocks;
}

/// The text between the two markers of a section, or nothing.
std::string section(const std::string& source, const std::string& name) {
  const std::string begin = "// --8<-- [start:" + name + "]\n";
  const auto start = source.find(begin);
  const auto end = source.find("// --8<-- [end:" + name + "]\n");
  if (start == std::string::npos || end == std::string::npos) return {};
  return source.substr(start + begin.size(), end - start - begin.size());
}

constexpr std::string_view kAny = "…";

/// Whether `text` is `pattern`, whose `…` stand for any text within a line.
bool matches(std::string_view text, std::string_view pattern) {
  const auto any = pattern.find(kAny);
  if (any == std::string_view::npos) return text == pattern;
  if (!text.starts_with(pattern.substr(0, any))) return false;
  const std::string_view rest = pattern.substr(any + kAny.size());
  for (std::size_t at = any; at <= text.size(); ++at) {
    if (matches(text.substr(at), rest)) return true;
    if (at < text.size() && text[at] == '\n') return false;
  }
  return false;
}

std::string output_of(const std::string& command, const fs::path& directory) {
  const std::string line = "cd '" + directory.string() + "' && { " + command + "; }";
  std::string text;
  FILE* const pipe = popen(line.c_str(), "r");
  if (pipe == nullptr) return "popen failed";
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text += static_cast<char>(c);
  pclose(pipe);
  return text;
}

void run_console(const Block& block, const fs::path& directory) {
  std::istringstream lines(block.text);
  std::string line;
  std::string command;
  std::string expected;
  const auto run = [&] {
    if (command.empty()) return;
    const std::string printed = output_of(command, directory);
    EXPECT_TRUE(matches(printed, expected)) << "$ " << command << "\nprints\n" << printed << "and not\n" << expected;
  };
  while (std::getline(lines, line)) {
    if (!line.starts_with("$ ")) {
      expected += line + "\n";
      continue;
    }
    run();
    command = line.substr(2);
    expected.clear();
  }
  run();
}

class Page : public testing::TestWithParam<fs::path> {};

TEST_P(Page, QuotesCompiledSources) {
  std::map<std::string, std::string> rest;  // of each file that is quoted whole, what has not come yet
  for (const Block& block : blocks_of(GetParam())) {
    SCOPED_TRACE(GetParam().filename().string() + ":" + std::to_string(block.line));
    if (block.language != "cpp" && block.language != "c") continue;
    if (block.about.empty()) {
      EXPECT_EQ(std::count(block.text.begin(), block.text.end(), '\n'), 1) << "several lines, and no program is named";
      continue;
    }
    const auto colon = std::min(block.about.find(':'), block.about.size());
    const std::string file = block.about.substr(0, colon);
    const std::string source = read(fs::path(REPOSITORY) / file);
    if (colon == block.about.size()) {
      std::string& left = rest.try_emplace(file, source).first->second;
      EXPECT_EQ(block.text, left.substr(0, block.text.size())) << block.about;
      left.erase(0, block.text.size());
      left.erase(0, left.find_first_not_of('\n'));
    } else if (const std::string name = block.about.substr(colon + 1); name == kAny) {
      EXPECT_NE(("\n" + source).find("\n" + block.text), std::string::npos) << block.text << "is not in " << file;
    } else {
      EXPECT_EQ(block.text, section(source, name)) << block.about;
    }
  }
  for (const auto& [file, left] : rest) EXPECT_EQ(left, "") << file << " is not quoted to its end";
}

TEST_P(Page, ShowsWhatItsCommandsPrint) {
  const fs::path directory =
      fs::path(testing::TempDir()) / ("guide-" + std::to_string(getpid()) + GetParam().stem().string());
  fs::remove_all(directory);
  fs::create_directories(directory);
  for (const auto& program : fs::directory_iterator(PROGRAMS)) {
    fs::create_symlink(program.path(), directory / program.path().filename());
  }
  for (const fs::path file : {RUNNER, CLI, MINIMAL, NATS}) fs::create_symlink(file, directory / file.filename());
  for (const Block& block : blocks_of(GetParam())) {
    SCOPED_TRACE(GetParam().filename().string() + ":" + std::to_string(block.line));
    if (block.language == "toml" && !block.about.empty()) {
      std::ofstream(directory / block.about) << block.text;
    } else if (block.language == "console") {
      run_console(block, directory);
    }
  }
  fs::remove_all(directory);
}

TEST(Tutorial, TellsABrokerOfLessThan150Lines) {
  const std::string broker = read(fs::path(REPOSITORY) / "examples/brokers/minimal_cpp/minimal.cpp");
  EXPECT_LT(std::count(broker.begin(), broker.end(), '\n'), 150);
}

/// What is outside of fenced blocks.
std::string prose_of(const fs::path& page) {
  std::string prose;
  std::istringstream lines(read(page));
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      inside = !inside;
    } else if (!inside) {
      prose += line + "\n";
    }
  }
  return prose;
}

/// The anchors of a page's headings, as forges make them.
std::set<std::string> anchors_of(const fs::path& page) {
  std::set<std::string> anchors;
  std::istringstream lines(prose_of(page));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#')) continue;
    std::string anchor;
    for (const char c : line.substr(line.find(' ') + 1)) {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_') {
        anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      } else if (c == ' ') {
        anchor += '-';
      }
    }
    anchors.insert(anchor);
  }
  return anchors;
}

TEST_P(Page, LinksToWhatExists) {
  const std::string text = prose_of(GetParam());
  const std::regex link(R"(\]\(([^)#:]*)#?([^):]*)\))");
  for (std::sregex_iterator at(text.begin(), text.end(), link), end; at != end; ++at) {
    const fs::path target = at->str(1).empty() ? GetParam() : GetParam().parent_path() / at->str(1);
    EXPECT_TRUE(fs::exists(target)) << at->str();
    const bool found = at->length(2) == 0 || anchors_of(target).contains(at->str(2));
    EXPECT_TRUE(found) << at->str();
  }
}

std::vector<fs::path> pages() {
  const fs::path root = REPOSITORY;
  std::vector<fs::path> found{root / "README.md", root / "plugins/nats/README.md"};
  for (const char* const folder : {"docs", "docs/authors"}) {
    for (const auto& file : fs::directory_iterator(root / folder)) {
      if (file.path().extension() == ".md") found.push_back(file.path());
    }
  }
  return found;
}

/// "docs/authors/contract.md" as docs_authors_contract.
std::string name_of(const testing::TestParamInfo<fs::path>& page) {
  std::string name = fs::relative(page.param, REPOSITORY).replace_extension().string();
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Guide, Page, testing::ValuesIn(pages()), name_of);

}  // namespace
