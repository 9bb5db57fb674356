#include "loader/search_path.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ruststream::loader {
namespace {

TEST(SearchPath, GoesFromTheVariableToTheProgramToTheInstalledDirectory) {
  const SearchPath path = search_path(
      {.variable = "/a::/b:", .elevated = false, .program_directory = "/opt/app", .library_directory = "/usr/lib"});
  ASSERT_EQ(path.levels.size(), 3U);
  EXPECT_EQ(path.levels[0].label, "RUSTSTREAM_PLUGIN_PATH");
  EXPECT_EQ(path.levels[0].directories, (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(path.levels[1].directories, std::vector<std::string>{"/opt/app/plugins"});
  EXPECT_EQ(path.levels[2].directories, std::vector<std::string>{"/usr/lib/ruststream/plugins"});
}

TEST(SearchPath, IgnoresTheVariableOfAnElevatedProcess) {
  const SearchPath path =
      search_path({.variable = "/evil", .elevated = true, .program_directory = {}, .library_directory = {}});
  ASSERT_EQ(path.levels.size(), 1U);
  EXPECT_TRUE(path.levels[0].directories.empty());
  EXPECT_EQ(path.levels[0].ignored, "the process has more rights than the user who started it");
}

TEST(SearchPath, BoundsTheVariable) {
  Surroundings around;
  around.variable = "/d";
  for (std::size_t i = 1; i < kMaxDirectories; ++i) *around.variable += ":/d";
  EXPECT_EQ(search_path(around).levels[0].ignored, "");
  *around.variable += ":/d";
  EXPECT_EQ(search_path(around).levels[0].ignored, "it names more than 32 directories");
}

TEST(SearchPath, OfThisProcessHasDirectories) {
  const Surroundings around = surroundings();
  EXPECT_FALSE(around.elevated);
  EXPECT_TRUE(around.program_directory.starts_with('/'));
  EXPECT_EQ(around.library_directory, around.program_directory);  // linked into the test
}

}  // namespace
}  // namespace ruststream::loader
