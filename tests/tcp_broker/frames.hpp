#pragma once
// The frames of server.py.

#include <cstdint>
#include <string>
#include <string_view>

namespace tcp {

inline constexpr std::size_t kLongestFrame = 16U << 20U;

template <class Number>
void put(std::string& out, Number number) {
  for (std::size_t shift = sizeof number * 8; shift != 0; shift -= 8) out += static_cast<char>(number >> (shift - 8));
}

/// Appends one frame; its length is written at the end of its life.
class Frame {
 public:
  Frame(std::string& out, char type) : out_(out), begin_(out.size()) { out_.append(4, '\0') += type; }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  ~Frame() {
    const auto length = static_cast<std::uint32_t>(out_.size() - begin_ - 4);
    for (unsigned i = 0; i < 4; ++i) out_[begin_ + i] = static_cast<char>(length >> (24 - 8 * i));
  }
  template <class Number>
  Frame& number(Number value) {
    put(out_, value);
    return *this;
  }
  Frame& text(std::string_view text) {
    put(out_, static_cast<std::uint16_t>(text.size()));
    return rest(text);
  }
  Frame& rest(std::string_view bytes) {
    out_ += bytes;
    return *this;
  }

 private:
  std::string& out_;
  std::size_t begin_;
};

/// Takes numbers from the front of a body; zeros behind its end.
template <class Number>
Number take(std::string_view& body) {
  Number value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    const unsigned char byte = i < body.size() ? static_cast<unsigned char>(body[i]) : 0;
    value = static_cast<Number>(value << 8U | byte);
  }
  body.remove_prefix(body.size() < sizeof value ? body.size() : sizeof value);
  return value;
}

}  // namespace tcp
