#pragma once

#include <ruststream/abi.h>

#include <array>
#include <string_view>

/// A plugin's table for tests: two kinds, and an option of each sort. The verbs are there, but do nothing.
namespace ruststream::inline v0::options::test {

inline rst_str str(std::string_view text) { return {.ptr = text.data(), .len = text.size()}; }

inline rst_option_decl option(std::string_view name, std::uint16_t type, std::uint32_t scopes,
                              std::uint32_t flags = 0) {
  rst_option_decl decl{};
  decl.name = str(name);
  decl.doc = str("what it does");
  decl.type = type;
  decl.scopes = scopes;
  decl.flags = flags;
  return decl;
}

template <class Array>
std::uint32_t count(const Array& items) {
  return static_cast<std::uint32_t>(items.size());
}

struct TestTable {
  std::array<rst_str, 2> schemes{str("broker"), str("broker+tls")};
  std::array<rst_str, 3> tls_choices{str("off"), str("on"), str("verify")};
  std::array<rst_kind, 2> kinds{};
  std::array<rst_option_decl, 10> options{};
  std::array<rst_field_decl, 1> fields{};
  rst_plugin table{};

  TestTable() {
    kinds[0] = {.name = str("core"), .doc = str(""), .caps = nullptr, .cap_count = 0, .roles = RST_ROLE_SUBSCRIPTION};
    kinds[1] = {.name = str("stream"), .doc = str(""), .caps = nullptr, .cap_count = 0, .roles = RST_ROLE_PUBLISHER};
    options[0] = option("tls", RST_TYPE_ENUM, RST_SCOPE_CONNECTION);
    options[0].choices = tls_choices.data();
    options[0].choice_count = 3;
    options[0].default_text = str("off");
    options[1] = option("password", RST_TYPE_STRING, RST_SCOPE_CONNECTION, RST_OPTION_SECRET);
    options[2] = option("stream", RST_TYPE_STRING, RST_SCOPE_SUBSCRIPTION, RST_OPTION_REQUIRED);
    options[2].kinds = 2;
    options[3] = option("ack_wait", RST_TYPE_DURATION, RST_SCOPE_SUBSCRIPTION);
    options[3].alias = str("ack_timeout");
    options[3].min = 1'000'000;
    options[3].max = 60'000'000'000;
    options[4] = option("seeds", RST_TYPE_STRING, RST_SCOPE_CONNECTION, RST_OPTION_LIST);
    options[5] = option("lib.", RST_TYPE_STRING, RST_SCOPE_CONNECTION | RST_SCOPE_PUBLISHER, RST_OPTION_PREFIX);
    options[6] = option("confirm", RST_TYPE_BOOL, RST_SCOPE_PUBLISHER, RST_OPTION_DEPRECATED);
    options[7] = option("pin", RST_TYPE_U64, RST_SCOPE_CONNECTION, RST_OPTION_SECRET);
    options[8] = option("max_age", RST_TYPE_DURATION, RST_SCOPE_SUBSCRIPTION);
    options[8].kinds = 2;
    options[9] = option("sizes", RST_TYPE_SIZE, RST_SCOPE_PUBLISHER, RST_OPTION_LIST);
    fields[0] = {.name = str("broker.offset"), .doc = str(""), .kinds = 0, .id = 1, .type = RST_TYPE_U64, .flags = 0};
    fill();
  }
  TestTable(const TestTable&) = delete;
  TestTable& operator=(const TestTable&) = delete;

 private:
  void fill() {
    table.struct_size = sizeof table;
    table.abi_major = RST_ABI_MAJOR;
    table.abi_minor = RST_ABI_MINOR;
    table.name = str("org.example.broker");
    table.version = str("1.2.3");
    table.schemes = schemes.data();
    table.scheme_count = count(schemes);
    table.kinds = kinds.data();
    table.kind_count = count(kinds);
    table.kind_stride = sizeof(rst_kind);
    table.options = options.data();
    table.option_count = count(options);
    table.option_stride = sizeof(rst_option_decl);
    table.fields = fields.data();
    table.field_count = count(fields);
    table.field_stride = sizeof(rst_field_decl);
    table.validate = [](std::uint32_t, const void*, rst_plan*, const rst_report*, rst_error*) { return RST_DONE; };
    table.init = [](const rst_host*, const rst_init_args*, void**, rst_error*) { return RST_DONE; };
    table.deinit = [](void*, rst_error*) { return RST_DONE; };
    table.connect = [](void*, const rst_connection_spec*, std::uint64_t*, rst_error*) { return RST_DONE; };
    table.subscribe = [](void*, std::uint64_t, const rst_subscription_spec*, std::uint64_t*, rst_error*) {
      return RST_DONE;
    };
    table.open_publisher = [](void*, std::uint64_t, const rst_publisher_spec*, std::uint64_t*, rst_error*) {
      return RST_DONE;
    };
    table.close = [](void*, std::uint64_t, std::uint32_t, std::uint64_t, std::uint64_t, rst_error*) {
      return RST_DONE;
    };
    table.credit = [](void*, const rst_credit*, rst_error*) { return RST_DONE; };
    table.publish = [](void*, rst_publish*, rst_error*) { return RST_DONE; };
  }
};

}  // namespace ruststream::inline v0::options::test
