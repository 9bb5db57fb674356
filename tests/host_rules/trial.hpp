#pragma once
#include "judge.hpp"

#include <ruststream/ruststream.hpp>

#include <gtest/gtest.h>

#include <dlfcn.h>
#include <optional>
#include <stdexcept>
#include <thread>

/// Tests that set the adversarial plugin on the library, by its public interface alone.
namespace host_rules {

using namespace std::chrono_literals;
namespace rs = ruststream;

inline constexpr std::chrono::seconds kSoon{10};  // longer than anything here takes

template <class T>
T good(rs::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// The plugin's library, where it is: nothing here keeps it loaded but the host (rule H1).
inline Judge* find_judge() {
  void* const library = ::dlopen(HOST_RULES_PLUGIN, RTLD_NOW | RTLD_NOLOAD);
  if (library == nullptr) return nullptr;
  auto* const entry = reinterpret_cast<Judge* (*)()>(::dlsym(library, HOST_RULES_JUDGE));
  ::dlclose(library);
  return entry();
}

class Trial : public ::testing::Test {
 protected:
  static rs::ConnectOptions options() {
    rs::ConnectOptions wanted;
    wanted.plugin_path = HOST_RULES_PLUGIN;
    return wanted;
  }
  static rs::Broker open() { return good(rs::connect("trial:", options()).get()); }

  static void SetUpTestSuite() { (void)open(); }
  void SetUp() override { judge.reset(); }
  /// Everything of the test is gone but the library, which holds the verdict.
  void TearDown() override {
    ASSERT_NE(find_judge(), nullptr) << "H1: the library was unloaded";
    EXPECT_TRUE(soon([&] { return judge.instances() == 0; }));
    EXPECT_EQ(judge.accepted(), judge.released());
    for (const std::string& breach : judge.breaches()) ADD_FAILURE() << breach;
  }

  template <class F>
  static bool soon(F&& holds) {
    const auto until = std::chrono::steady_clock::now() + kSoon;
    while (!holds()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(1ms);
    }
    return true;
  }
  /// The first answer to that event.
  std::optional<Answer> answer_to(std::uint64_t event) {
    std::optional<Answer> found;
    (void)soon([&] {
      for (const Answer& each : judge.answers()) {
        if (each.id == event) found = each;
      }
      return found.has_value();
    });
    return found;
  }
  std::size_t count(rs::Verdict verdict, std::uint32_t partition = 0) {
    std::size_t found = 0;
    for (const Settled& each : judge.settled()) {
      if (each.verdict == static_cast<std::uint16_t>(verdict) && (partition == 0 || partition == each.partition))
        ++found;
    }
    return found;
  }

  static Judge& required() {
    Judge* const found = find_judge();
    if (found == nullptr) throw std::runtime_error("H1: the library was unloaded");
    return *found;
  }
  Judge& judge = required();  // NOLINT(readability-identifier-naming): the word that tests read
};

/// What is written to standard error while it lives.
class Capture {
 public:
  Capture() { ::testing::internal::CaptureStderr(); }
  std::string take() { return ::testing::internal::GetCapturedStderr(); }
};

}  // namespace host_rules
