// Where a delivery is settled: its reply subject, kept without an allocation where it is of the usual length.
#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace ruststream::nats {

/// The beginning is the same for all deliveries of a consumer, and lies there; only the numbers are kept.
class AckPlace {
 public:
  static constexpr std::size_t kMostNumbers = 79;  // bytes that need no allocation
  static constexpr std::size_t kMostBytes = 1024;  // of a whole subject; a server sends none that is longer

  AckPlace() = default;
  /// `subject` begins with `prefix`, which outlives this.
  AckPlace(const std::string& prefix, std::string_view subject) : prefix_(&prefix) {
    const auto numbers = subject.substr(prefix.size());
    length_ = static_cast<std::uint8_t>(numbers.size());
    if (numbers.size() <= kMostNumbers) {
      std::memcpy(numbers_.data(), numbers.data(), numbers.size());
    } else {
      long_ = std::make_unique<std::string>(numbers);
    }
  }

  using Buffer = std::array<char, kMostBytes + 1>;
  /// The subject, with NUL at its end; nullptr where it is too long.
  [[nodiscard]] const char* write(Buffer& to) const noexcept {
    const auto numbers = long_ != nullptr ? std::string_view(*long_) : std::string_view(numbers_.data(), length_);
    if (prefix_ == nullptr || prefix_->size() + numbers.size() > kMostBytes) return nullptr;
    std::memcpy(to.data(), prefix_->data(), prefix_->size());
    std::memcpy(to.data() + prefix_->size(), numbers.data(), numbers.size());
    to[prefix_->size() + numbers.size()] = '\0';
    return to.data();
  }

 private:
  const std::string* prefix_ = nullptr;
  std::unique_ptr<std::string> long_;
  std::array<char, kMostNumbers> numbers_;  // NOLINT(cppcoreguidelines-pro-type-member-init): the first length_ count
  std::uint8_t length_ = 0;
};

}  // namespace ruststream::nats
