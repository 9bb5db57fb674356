#pragma once
#include "host/guarded.hpp"
#include "host/instance.hpp"
#include "host/options.hpp"

#include <ruststream/abi.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace conformance {

class Test;

/// What a subscription is asked for with, in guarded memory, with everything that it points to.
class SubscriptionSpec {
 public:
  SubscriptionSpec(Test& test, const Kind& kind, const Subscribe& wanted);
  [[nodiscard]] rst_subscription_spec* get() const noexcept { return spec_.get(); }
  rst_subscription_spec* operator->() const noexcept { return spec_.get(); }

 private:
  rst_str lend(std::string_view text, const char* what);

  OptionArray options_;
  std::vector<Lent<char>> texts_;
  Lent<rst_str> addresses_;
  Lent<rst_position> start_;
  Lent<rst_subscription_spec> spec_;
};

class PublisherSpec {
 public:
  PublisherSpec(Test& test, const Kind& kind, const OpenPublisher& wanted);
  [[nodiscard]] rst_publisher_spec* get() const noexcept { return spec_.get(); }
  rst_publisher_spec* operator->() const noexcept { return spec_.get(); }

 private:
  OptionArray options_;
  Lent<char> destination_;
  Lent<rst_publisher_spec> spec_;
};

/// What `validate` says of a spec.
struct Plan {
  std::int32_t code = 0;  // 0: OK
  rst_plan raw{};         // its pointer is null
  std::vector<rst_capability> capabilities;
  std::vector<std::pair<std::int32_t, std::string>> issues;  // codes and texts, in the order of the report
  std::map<std::uint32_t, std::string> texts;                // by RST_TEXT_

  [[nodiscard]] bool ok() const noexcept { return code == 0; }
  [[nodiscard]] bool has(std::uint32_t flag) const noexcept { return (raw.flags & flag) != 0; }
};

[[nodiscard]] Plan validate(Test& test, std::uint32_t scope, const void* spec);

}  // namespace conformance
