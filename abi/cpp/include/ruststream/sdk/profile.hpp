#pragma once
// What a kind can carry, checked on every outgoing message before anything is done with it (rules P3, V2).

#include <ruststream/abi/publish.h>
#include <ruststream/sdk/validate.hpp>

#include <algorithm>

namespace ruststream::sdk {

/// Made once per publisher from its kind's capabilities. A kind of TEXT_ONLY checks its payloads itself.
class Profile {
 public:
  Profile(const rst_kind& kind, std::uint32_t kind_index, std::span<const Option> options) noexcept
      : options_(options), kind_bit_(std::uint64_t{1} << kind_index) {
    if (const auto* cap = find_cap(kind, RST_CAP_PAYLOAD); cap != nullptr) payload_ = cap->limit;
    if (const auto* cap = find_cap(kind, RST_CAP_HEADERS); cap != nullptr) {
      headers_ = cap->limit;
      most_headers_ = UINT16_MAX;
    }
    if (const auto* cap = find_cap(kind, RST_CAP_MAX_HEADERS); cap != nullptr && cap->limit != 0)
      most_headers_ = cap->limit;
    if (const auto* cap = find_cap(kind, RST_CAP_MAX_PAYLOAD); cap != nullptr && cap->limit != 0)
      most_payload_ = cap->limit;
    most_key_ = limit(kind, RST_CAP_KEY);
    most_ttl_ns_ = limit(kind, RST_CAP_TTL);
    most_delay_ns_ = limit(kind, RST_CAP_DELAY);
    most_priority_ = limit(kind, RST_CAP_PRIORITY);
    flags_ = (payload_ & RST_PAYLOAD_NULL) != 0 ? RST_OUT_NULL_PAYLOAD : 0U;
    if (find_cap(kind, RST_CAP_RETAINED) != nullptr) flags_ |= RST_OUT_RETAIN;
    if (find_cap(kind, RST_CAP_UNROUTED) != nullptr) flags_ |= RST_OUT_MANDATORY;
  }

  /// RST_OK, or the status of a message that this kind cannot carry as it is: minus UNSUPPORTED, TOO_LARGE or OPTION.
  [[nodiscard]] std::int32_t check(const rst_out_message& message) const noexcept {
    if (message.payload_len > most_payload_) return -RST_E_TOO_LARGE;
    const bool plain = message.payload_len != 0 && message.header_count == 0 && message.key == nullptr &&
                       message.props == nullptr && message.flags == 0;
    return plain ? RST_OK : check_slowly(message);
  }

 private:
  static std::uint64_t limit(const rst_kind& kind, std::uint32_t id) noexcept {
    const auto* cap = find_cap(kind, id);
    return cap == nullptr ? 0 : cap->limit == 0 ? UINT64_MAX : cap->limit;
  }

  [[nodiscard]] std::int32_t check_slowly(const rst_out_message& message) const noexcept {
    if ((message.flags & ~flags_) != 0) return -RST_E_UNSUPPORTED;
    const bool null = (message.flags & RST_OUT_NULL_PAYLOAD) != 0;
    if (message.payload_len == 0 && !null && (payload_ & RST_PAYLOAD_EMPTY) == 0) return -RST_E_UNSUPPORTED;
    if (message.key != nullptr && message.key_len > most_key_)
      return -(most_key_ == 0 ? RST_E_UNSUPPORTED : RST_E_TOO_LARGE);
    if (message.key != nullptr && most_key_ == 0) return -RST_E_UNSUPPORTED;
    if (message.header_count > most_headers_) return -(most_headers_ == 0 ? RST_E_UNSUPPORTED : RST_E_TOO_LARGE);
    for (const rst_header& header : std::span{message.headers, message.header_count}) {
      if (!carries(header)) return -RST_E_UNSUPPORTED;
    }
    return message.props == nullptr ? RST_OK : check_props(*message.props);
  }

  [[nodiscard]] std::int32_t check_props(const rst_out_props& props) const noexcept {
    if (props.struct_size < RST_UP_TO(rst_out_props, partition)) return -RST_E_INVALID;
    for (const rst_option& option : std::span{props.options, props.option_count}) {
      if (!takes(option)) return -RST_E_OPTION;
    }
    if (props.ttl_ns > most_ttl_ns_ || props.delay_ns > most_delay_ns_) return -RST_E_UNSUPPORTED;
    if (props.priority < 0) return RST_OK;
    return static_cast<std::uint64_t>(props.priority) > most_priority_ ? -RST_E_UNSUPPORTED : RST_OK;
  }

  [[nodiscard]] bool takes(const rst_option& option) const noexcept {
    if (option.decl >= options_.size()) return false;
    const rst_option_decl& decl = options_[option.decl].decl;
    const bool applies = (decl.scopes & RST_SCOPE_MESSAGE) != 0 && (decl.kinds == 0 || (decl.kinds & kind_bit_) != 0);
    if (!applies || (decl.flags & (RST_OPTION_LIST | RST_OPTION_PREFIX)) != 0) return applies;
    return option.value.type == decl.type && detail::in_range(decl, option.value) &&
           detail::is_choice(decl, option.value);
  }

  [[nodiscard]] bool carries(const rst_header& header) const noexcept {
    if (header.type > RST_HEADER_NATIVE || header.flags != 0) return false;
    if (header.type == RST_HEADER_NULL) return (headers_ & RST_HEADERS_NULL) != 0;
    if (header.type > RST_HEADER_NULL) return (headers_ & RST_HEADERS_TYPED) != 0;
    if (header.value_len == 0 && (headers_ & RST_HEADERS_EMPTY) == 0) return false;
    const auto plain = [](const auto* text, std::size_t length) {
      return std::all_of(text, text + length,
                         [](auto c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; });
    };
    if ((headers_ & RST_HEADERS_ANY_VALUE) == 0 && !plain(header.value, header.value_len)) return false;
    return (headers_ & RST_HEADERS_ANY_NAME) != 0 || (header.name_len != 0 && plain(header.name, header.name_len));
  }

  std::span<const Option> options_;
  std::uint64_t kind_bit_;
  std::uint64_t payload_ = RST_PAYLOAD_EMPTY | RST_PAYLOAD_BYTES;
  std::uint64_t headers_ = 0;
  std::uint64_t most_payload_ = UINT64_MAX;
  std::uint64_t most_headers_ = 0;
  std::uint64_t most_key_ = 0;  // 0: cannot, here and below
  std::uint64_t most_ttl_ns_ = 0;
  std::uint64_t most_delay_ns_ = 0;
  std::uint64_t most_priority_ = 0;
  std::uint32_t flags_ = 0;
};

}  // namespace ruststream::sdk
