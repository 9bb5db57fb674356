#pragma once

#include <ruststream/abi.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

/// A directory of one test with copies of the libraries of test_plugins/, gone with the object.
namespace ruststream::inline v0::loader::test {

class TestDirectory {
 public:
  TestDirectory() {
    std::string name = testing::TempDir() + "rst_loader_XXXXXX";
    path_ = ::mkdtemp(name.data()) != nullptr ? std::filesystem::canonical(name).string() : std::string();
    chmod("", 0755);
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string at(const std::string& name) const { return path_ + "/" + name; }

  /// A copy of a library under its own or another name, writable by its owner only.
  std::string add(const std::string& plugin, const std::string& as = {}) {
    const std::string to = at((as.empty() ? plugin : as) + ".so");
    std::filesystem::copy_file(std::string(RUSTSTREAM_TEST_PLUGINS "/") + plugin + ".so", to);
    ::chmod(to.c_str(), 0644);
    return to;
  }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(at(name), std::ios::binary) << text;
    chmod(name, 0644);
    return at(name);
  }

  void chmod(const std::string& name, mode_t mode) const { ::chmod(at(name).c_str(), mode); }

 private:
  std::string path_;
};

/// The contract of this host as errors name it.
inline std::string host_contract() {
  return std::to_string(RST_ABI_MAJOR) + "." + std::to_string(RST_ABI_MINOR) + " (draft)";
}

inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace ruststream::inline v0::loader::test
