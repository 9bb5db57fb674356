#pragma once
#include <ruststream/client.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

/// The streaming client's tests run on the memory broker in both of its forms: linked into the library, and loaded.
namespace ruststream::testing {

enum class Form { embedded, loaded };

inline std::string name_of(const ::testing::TestParamInfo<Form>& form) {
  return form.param == Form::embedded ? "embedded" : "loaded";
}

using namespace std::chrono_literals;
inline constexpr std::chrono::seconds kSoon{5};       // longer than anything here takes, sanitizers included
inline constexpr std::chrono::milliseconds kNot{50};  // long enough to notice what should not come

/// The value of a result that must be good.
template <class T>
T good(Result<T> result, const char* what = "") {
  if (!result) throw std::runtime_error(std::string(what) + ": " + result.error().text);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class OnMemory : public ::testing::TestWithParam<Form> {
 protected:
  static ConnectOptions connect_options() {
    ConnectOptions options;
    if (GetParam() == Form::loaded) options.plugin_path = MEMORY_PLUGIN;
    return options;
  }
  static Broker open(const std::string& url = "memory:") {
    return good(connect(url, connect_options()).get(), "connect");
  }

  static std::string text(const Delivery& delivery) { return std::string(delivery.message().payload().text()); }
  static Delivery receive(Subscription& from) { return good(from.receive(kSoon), "receive"); }
  /// Takes the next delivery, acknowledges it and gives its payload; "(nothing)" when none comes.
  static std::string take(Subscription& from, std::chrono::milliseconds timeout = kSoon) {
    auto delivery = from.receive(timeout);
    if (!delivery) return delivery.error().code == Code::timeout ? "(nothing)" : delivery.error().text;
    std::string payload = text(*delivery);
    good(std::move(*delivery).ack(), "ack");
    return payload;
  }

  Broker broker = open();  // NOLINT(readability-identifier-naming): the word that tests read
};

}  // namespace ruststream::testing
