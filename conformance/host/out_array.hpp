#pragma once
#include "host/guarded.hpp"
#include "host/instance.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

/// Messages in guarded memory, with everything that they point to.
class OutArray {
 public:
  explicit OutArray(std::span<const Out> messages) : array_("rst_out_message", messages.size()) {
    for (std::size_t i = 0; i < messages.size(); ++i) fill(array_[i], messages[i]);
  }
  [[nodiscard]] const rst_out_message* data() const noexcept { return array_.get(); }

 private:
  const char* text(std::string_view from, const char* what) {
    return texts_.emplace_back(lend_bytes(from, what)).get();
  }
  const std::uint8_t* bytes(std::string_view from, const char* what) {
    return reinterpret_cast<const std::uint8_t*>(text(from, what));
  }
  static std::uint32_t length(std::string_view of) noexcept { return static_cast<std::uint32_t>(of.size()); }

  void fill(rst_out_message& to, const Out& from) {
    to.payload = bytes(from.payload, "a payload");
    to.payload_len = from.payload.size();
    to.flags = from.flags;
    if (!from.destination.empty()) {
      to.destination = text(from.destination, "a destination");
      to.destination_len = length(from.destination);
    }
    if (from.key) {
      to.key = bytes(*from.key, "a key");
      to.key_len = length(*from.key);
    }
    if (!from.headers.empty()) {
      Lent<rst_header>& headers = headers_.emplace_back("rst_header", from.headers.size());
      for (std::size_t i = 0; i < from.headers.size(); ++i) fill(headers[i], from.headers[i]);
      to.headers = headers.get();
      to.header_count = static_cast<std::uint16_t>(from.headers.size());
    }
    const bool cold = !from.reply_to.empty() || !from.correlation.empty() || !from.message_id.empty() ||
                      !from.content_type.empty() || from.priority >= 0 || from.partition >= 0 ||
                      from.ttl.count() != 0 || from.delay.count() != 0 || from.timestamp_ns != 0;
    if (cold) to.props = fill_props(from);
  }

  void fill(rst_header& to, const Header& from) {
    to.name = text(from.name, "a header's name");
    to.name_len = static_cast<std::uint16_t>(from.name.size());
    to.type = from.value ? from.type : std::uint8_t{RST_HEADER_NULL};
    if (!from.value) return;
    to.value = bytes(*from.value, "a header's value");
    to.value_len = length(*from.value);
  }

  const rst_out_props* fill_props(const Out& from) {
    rst_out_props& props = *props_.emplace_back("rst_out_props");
    props.struct_size = sizeof props;
    props.priority = from.priority;
    props.partition = from.partition;
    props.ttl_ns = static_cast<std::uint64_t>(from.ttl.count());
    props.delay_ns = static_cast<std::uint64_t>(from.delay.count());
    props.timestamp_ns = from.timestamp_ns;
    const auto put = [&](const std::string& value, const std::uint8_t*& at, std::uint32_t& size) {
      if (value.empty()) return;
      at = bytes(value, "a property");
      size = length(value);
    };
    put(from.reply_to, props.reply_to, props.reply_to_len);
    put(from.correlation, props.correlation, props.correlation_len);
    put(from.message_id, props.message_id, props.message_id_len);
    if (!from.content_type.empty()) {
      props.content_type = text(from.content_type, "a content type");
      props.content_type_len = length(from.content_type);
    }
    return &props;
  }

  Lent<rst_out_message> array_;
  std::vector<Lent<char>> texts_;
  std::vector<Lent<rst_header>> headers_;
  std::vector<Lent<rst_out_props>> props_;
};

}  // namespace conformance
