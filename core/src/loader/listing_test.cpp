#include "loader/listing.hpp"

#include "loader/test_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace ruststream::loader {
namespace {

constexpr std::uint32_t kStranger = 54321;

class ListingTest : public testing::Test {
 protected:
  Directory list() { return list_directory("test", directory_.path()); }
  std::string refusal(const std::string& file) {
    const Directory listed = list();
    const auto found = std::ranges::find(listed.files, directory_.at(file), &Candidate::path);
    return found == listed.files.end() ? "not listed" : found->refusal;
  }
  test::TestDirectory directory_;
};

TEST_F(ListingTest, RunsNothingOfWhatItLists) {
  directory_.add("marker");
  ::setenv("RST_TEST_MARK", directory_.at("mark").c_str(), 1);
  const Directory listed = list();
  ::unsetenv("RST_TEST_MARK");
  ASSERT_EQ(listed.files.size(), 1U);
  EXPECT_EQ(listed.files[0].refusal, "");
  EXPECT_EQ(listed.files[0].note.name, "org.example.test");
  EXPECT_FALSE(std::filesystem::exists(directory_.at("mark")));
}

TEST_F(ListingTest, GivesEveryFileItsNoteOrAReason) {
  directory_.add("good");
  directory_.add("other_major");
  directory_.add("other_minor");
  directory_.write("README.txt", "read me");
  directory_.write("text.so", "no library");
  directory_.write("empty.so", "");
  directory_.write("cut.so", test::contents(directory_.at("good.so")).substr(0, 1000));
  std::filesystem::create_directory(directory_.at("folder.so"));
  std::filesystem::create_symlink("/nowhere/at/all", directory_.at("dangling.so"));
  const std::string host = test::host_contract();
  ASSERT_EQ(::mkfifo(directory_.at("pipe.so").c_str(), 0600), 0);
  const struct {
    const char* file;
    std::string says;
  } cases[] = {
      {"other_major.so", "it is built for contract 1." + std::to_string(RST_ABI_MINOR) + ", this host has " + host},
      {"other_minor.so", "it is built for contract 0.999 (draft), this host has " + host + "; use a build"},
      {"README.txt", "its name does not end in .so"},
      {"text.so", "it is no library"},
      {"empty.so", "it is no library: it has 0 bytes"},
      {"cut.so", "it is cut off or damaged"},
      {"folder.so", "it is a directory"},
      {"dangling.so", "it cannot be found: No such file"},
      {"pipe.so", "it is no regular file"}};
  EXPECT_EQ(refusal("good.so"), "");
  for (const auto& c : cases)
    EXPECT_NE(refusal(c.file).find(c.says), std::string::npos) << c.file << ": " << refusal(c.file);
  EXPECT_EQ(list().files.size(), 1 + std::size(cases));
}

TEST_F(ListingTest, RefusesAFileThatOthersCanWrite) {
  directory_.add("good");
  directory_.chmod("good.so", 0646);
  EXPECT_EQ(refusal("good.so"),
            "others can write it; take that right away (chmod, chown), or name the plugin by its path");
}

TEST_F(ListingTest, AllowsAFileThatOnlyTheUsersOwnGroupCanWrite) {
  directory_.add("good");
  ASSERT_EQ(::chown(directory_.at("good.so").c_str(), ::geteuid(), ::getegid()), 0);
  directory_.chmod("good.so", 0664);
  EXPECT_EQ(refusal("good.so"), "");
}

TEST_F(ListingTest, RefusesADirectoryThatOthersCanWrite) {
  directory_.add("good");
  directory_.chmod("", 0777);
  const Directory listed = list();
  EXPECT_TRUE(listed.files.empty());
  EXPECT_NE(listed.refusal.find("others can write it"), std::string::npos) << listed.refusal;
}

TEST_F(ListingTest, ASymbolicLinkIsAsSafeAsTheDirectoryItLeadsTo) {
  const test::TestDirectory unsafe;
  std::filesystem::copy_file(directory_.add("good"), unsafe.at("real.so"));
  unsafe.chmod("real.so", 0644);
  std::filesystem::create_symlink(unsafe.at("real.so"), directory_.at("link.so"));
  EXPECT_EQ(refusal("link.so"), "");
  unsafe.chmod("", 0757);
  EXPECT_NE(refusal("link.so").find("its directory " + unsafe.path() + " is not safe: others can write it"),
            std::string::npos);
}

TEST_F(ListingTest, RefusesWhatAForeignUserOwnsOrAForeignGroupCanWrite) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  directory_.add("good");
  ASSERT_EQ(::chown(directory_.at("good.so").c_str(), kStranger, static_cast<gid_t>(-1)), 0);
  EXPECT_NE(refusal("good.so").find("it belongs to user 54321, neither root nor you"), std::string::npos);
  ASSERT_EQ(::chown(directory_.at("good.so").c_str(), 0, kStranger), 0);
  EXPECT_EQ(refusal("good.so"), "");  // may read, not write
  directory_.chmod("good.so", 0664);
  EXPECT_NE(refusal("good.so").find("group 54321, which is not your own, can write it"), std::string::npos);
  directory_.chmod("good.so", 0644);
  ASSERT_EQ(::chown(directory_.path().c_str(), kStranger, static_cast<gid_t>(-1)), 0);
  EXPECT_NE(list().refusal.find("it belongs to user 54321"), std::string::npos);
}

TEST_F(ListingTest, SaysThatAFileCannotBeRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "root becomes another user for this";
  directory_.add("good");
  directory_.chmod("good.so", 0600);
  ASSERT_EQ(::seteuid(kStranger), 0);
  const std::string why = refusal("good.so");
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_EQ(why, "it cannot be opened: Permission denied");
}

TEST_F(ListingTest, SaysWhyADirectoryIsNotListed) {
  EXPECT_TRUE(list_directory("test", "/nowhere/at/all").absent);
  EXPECT_EQ(list_directory("test", "plugins").refusal, "it is not absolute; write the whole path");
  EXPECT_EQ(list_directory("test", directory_.write("file", "")).refusal, "it is no directory");
  const auto ignored = list_level({.label = "L", .directories = {}, .ignored = "no trust"});
  ASSERT_EQ(ignored.size(), 1U);
  EXPECT_EQ(ignored[0].refusal, "no trust");
}

TEST_F(ListingTest, BoundsTheFilesOfADirectory) {
  for (std::size_t i = 0; i < 4; ++i) directory_.write("f" + std::to_string(i), "");
  EXPECT_TRUE(platform::names_in(directory_.path(), 4));
  const auto names = platform::names_in(directory_.path(), 3);
  ASSERT_FALSE(names);
  EXPECT_EQ(names.error().text, "it holds more than 3 files");
}

TEST_F(ListingTest, AFileNamedByItsPathMayBeWritableByAnybody) {
  const std::string path = directory_.add("good");
  directory_.chmod("good.so", 0666);
  directory_.chmod("", 0777);
  EXPECT_EQ(examine(path, Origin::named).refusal, "");
  EXPECT_NE(examine(path, Origin::found).refusal, "");
}

}  // namespace
}  // namespace ruststream::loader
