// What the plugin declares, how it checks a spec against that, and its table.
#include "instance.hpp"

#include <cstdlib>
#include <stdexcept>

namespace plain {
namespace {

constexpr std::uint64_t kAllHeaders = RST_HEADERS_ANY_VALUE | RST_HEADERS_ANY_NAME | RST_HEADERS_ORDER |
                                      RST_HEADERS_DUPLICATES | RST_HEADERS_EMPTY | RST_HEADERS_NULL |
                                      RST_HEADERS_TYPED | RST_HEADERS_CASE;
constexpr std::uint64_t kTextHeaders =
    RST_HEADERS_ORDER | RST_HEADERS_DUPLICATES | RST_HEADERS_EMPTY | RST_HEADERS_CASE;

constexpr rst_capability cap(std::uint32_t id, std::uint64_t limit = 0, std::uint16_t flags = 0) {
  return {id, RST_LEVEL_NATIVE, flags, limit};
}

std::vector<rst_capability> capabilities(std::uint32_t kind) {
  std::vector<rst_capability> all = {cap(RST_CAP_BATCH, kMaxBatch), cap(RST_CAP_PUBLISH_CONFIRM),
                                     cap(RST_CAP_PUBLISH_ORDER), cap(RST_CAP_MAX_PAYLOAD, kMaxPayload),
                                     cap(RST_CAP_MAX_HEADERS, kMaxHeaders)};
  const auto add = [&](std::initializer_list<rst_capability> more) { all.insert(all.end(), more); };
  if (!is(good_has_nothing_optional)) add({cap(RST_CAP_MATCH)});
  if (kind == pubsub) {
    add({cap(RST_CAP_OVERFLOW, RST_OVERFLOW_DROP), cap(RST_CAP_HEADERS, kTextHeaders),
         cap(RST_CAP_PAYLOAD, RST_PAYLOAD_EMPTY | RST_PAYLOAD_BYTES), cap(RST_CAP_UNROUTED)});
    return all;
  }
  add({cap(RST_CAP_SETTLE), cap(RST_CAP_SETTLE_CONFIRM), cap(RST_CAP_RETRY), cap(RST_CAP_RETRY_AFTER, kLongest),
       cap(RST_CAP_RELEASE), cap(RST_CAP_REJECT), cap(RST_CAP_REJECT_TO), cap(RST_CAP_ATTEMPT),
       cap(RST_CAP_OVERFLOW, RST_OVERFLOW_BLOCK), cap(RST_CAP_GROUP), cap(RST_CAP_KEY),
       cap(RST_CAP_HEADERS, kAllHeaders),
       cap(RST_CAP_PAYLOAD, RST_PAYLOAD_EMPTY | RST_PAYLOAD_NULL | RST_PAYLOAD_BYTES), cap(RST_CAP_TX_PUBLISH),
       cap(RST_CAP_TX_SETTLE), cap(RST_CAP_RETRY_POSITION, RST_RETRY_FRONT)});
  if (kind == queue) {
    add({cap(RST_CAP_EXTEND), cap(RST_CAP_WILDCARD), cap(RST_CAP_TTL, kLongest), cap(RST_CAP_DELAY, kLongest),
         cap(RST_CAP_UNROUTED), cap(RST_CAP_REQUEST)});
    if (is(declares_priority_and_ignores_it) || is(lowest_priorities_are_one)) add({cap(RST_CAP_PRIORITY, 9)});
    if (is(duplicates_are_stored)) add({cap(RST_CAP_DEDUPLICATE, 60'000'000'000)});
  } else {
    add({cap(RST_CAP_SEEK, 0, RST_CAP_SHARED), cap(RST_CAP_POSITION), cap(RST_CAP_RECEIPT),
         cap(RST_CAP_PARTITIONS, kPartitions)});
  }
  if (is(capability_is_there_twice)) all.push_back(all.front());
  if (is(works_undeclared)) std::erase_if(all, [](const auto& each) { return each.id == RST_CAP_RELEASE; });
  if (is(attempt_is_undeclared)) std::erase_if(all, [](const auto& each) { return each.id == RST_CAP_ATTEMPT; });
  return all;
}

constexpr rst_option_decl option(std::string_view name, std::string_view doc, std::uint32_t scopes,
                                 std::uint16_t type) {
  rst_option_decl made{};
  made.name = str(name);
  made.doc = str(doc);
  made.scopes = scopes;
  made.type = type;
  return made;
}

constexpr rst_str kModes[] = {str("usual"), str("other")};

std::vector<rst_option_decl> options() {
  std::vector<rst_option_decl> all = {
      option("capacity", "most messages that a group holds; then publishers wait", RST_SCOPE_CONNECTION, RST_TYPE_U64),
      option("password", "shown to nobody", RST_SCOPE_CONNECTION, RST_TYPE_STRING),
      option("mode", "means nothing", RST_SCOPE_CONNECTION | RST_SCOPE_PUBLISHER, RST_TYPE_ENUM),
      option("ack_timeout", "after this an unsettled message comes back", RST_SCOPE_SUBSCRIPTION, RST_TYPE_DURATION),
      option("disconnect_after", "after this the connection is lost for a while", RST_SCOPE_CONNECTION,
             RST_TYPE_DURATION),
  };
  all[0].min = 1;
  all[0].max = 1'000'000;
  all[0].default_text = str("4096");
  all[1].flags = is(password_is_no_secret) ? 0 : RST_OPTION_SECRET;
  all[2].choices = kModes;
  all[2].choice_count = 2;
  all[2].default_text = str("usual");
  for (const std::size_t i : {3U, 4U}) {
    all[i].max = 3'600'000'000'000;
    all[i].unit = RST_UNIT_SECOND;
  }
  if (is(option_default_is_no_choice)) all[2].default_text = str("unusual");
  if (is(two_options_of_one_name)) all.push_back(all[2]);
  if (is(required_option_may_be_missing)) {
    all[0].flags = RST_OPTION_REQUIRED;
    all[0].default_text = {};
  }
  if (is(created_differently_is_ok)) {
    all.push_back(option("shards", "of an address", RST_SCOPE_ADMIN, RST_TYPE_U64));
    all.back().max = 9;
  }
  return all;
}

/// An array with room between its elements where a later draft has more.
template <class T>
const T* spread(const std::vector<T>& from, std::uint32_t& stride) {
  stride = sizeof(T) + (is(good_has_larger_structs) ? 32 : 0);
  char* const to = new char[from.size() * stride]();
  for (std::size_t i = 0; i < from.size(); ++i)
    std::memcpy(to + i * stride, static_cast<const void*>(&from[i]), sizeof(T));
  return reinterpret_cast<const T*>(to);
}

// Built once, at the first call of the entry, and never freed.
struct Declared {
  std::array<std::vector<rst_capability>, kind_count> caps;
  std::vector<rst_option_decl> options = plain::options();
  struct {
    rst_plugin table{};
    char beyond[64] = {};
  } whole;
  Declared();
};
const Declared& declared() {
  static const Declared& all = *new Declared;
  return all;
}

Instance* at(void* instance) { return static_cast<Instance*>(instance); }

template <class T>
T* sized(T table) {
  auto* const made = new std::pair<T, std::array<char, 64>>(table, {});
  if (is(good_has_larger_structs)) made->first.struct_size += 64;
  return &made->first;
}

const void* extension(rst_str id) {
  static const auto* const admin = sized(rst_admin{
      sizeof(rst_admin), 0, [](void* i, const rst_admin_request* r, rst_error* e) { return at(i)->apply(r, e); }});
  static const auto* const matching = sized(rst_match{sizeof(rst_match), 0, match});
  static const auto* const request = sized(
      rst_request{sizeof(rst_request), 0, [](void* i, rst_publish* p, rst_error* e) { return at(i)->request(p, e); }});
  static const auto* const seek =
      sized(rst_seek{sizeof(rst_seek), 0,
                     [](void* i, std::uint64_t s, const rst_position* p, std::uint32_t n, std::uint64_t op,
                        rst_error* e) { return at(i)->seek(s, p, n, op, e); }});
  static const auto* const sim = sized(rst_sim{
      sizeof(rst_sim), 0, [](void* i, std::int64_t now, std::int64_t* due, std::uint64_t* pending, rst_error* e) {
        return at(i)->step(now, due, pending, e);
      }});
  static const auto* const tx = sized(
      rst_tx{sizeof(rst_tx), 0,
             [](void* i, std::uint64_t p, std::uint64_t s, std::uint64_t timeout, std::uint64_t* made, std::uint64_t op,
                rst_error* e) { return at(i)->begin(p, s, timeout, op, made, e); },
             [](void* i, std::uint64_t made, std::uint64_t op, rst_error* e) { return at(i)->commit(made, op, e); },
             [](void* i, std::uint64_t made, std::uint64_t op, rst_error* e) { return at(i)->abort(made, op, e); }});
  static constexpr rst_stat_decl kStats[] = {
      {str("waiting"), str("not delivered yet"), RST_STAT_WAITING, RST_STAT_GAUGE, RST_UNIT_MESSAGE},
      {str("unsettled"), str("delivered, not settled"), RST_STAT_UNSETTLED, RST_STAT_GAUGE, RST_UNIT_MESSAGE},
      {str("credit"), str("may still be delivered"), RST_STAT_CREDIT, RST_STAT_GAUGE, RST_UNIT_MESSAGE},
      {str("published"), str("since the beginning"), RST_STAT_PUBLISHED, RST_STAT_COUNTER, RST_UNIT_MESSAGE}};
  static const auto* const stats =
      sized(rst_stats{sizeof(rst_stats), 0, kStats, 4, sizeof(rst_stat_decl),
                      [](void* i, const rst_stats_query* q, rst_stat* to, std::uint32_t capacity, std::uint32_t* n,
                         std::uint64_t* age, rst_error* e) {
                        if (age != nullptr) *age = 0;
                        return at(i)->snapshot(q, to, capacity, n, e);
                      }});
  const std::string_view name = view(id);
  if (name == RST_EXT_ADMIN) return admin;
  if (name == RST_EXT_MATCH) return matching;
  if (name == RST_EXT_REQUEST) return request;
  if (name == RST_EXT_SEEK) return is(seek_is_declared_in_vain) ? nullptr : seek;
  if (name == RST_EXT_SIM) return variant_threaded != 0 ? nullptr : sim;
  if (name == RST_EXT_TX) return tx;
  if (name == RST_EXT_STATS) return stats;
  return is(every_extension_is_there) ? admin : nullptr;
}

std::int32_t init(const rst_host* host, const rst_init_args* args, void** instance, rst_error* error) {
  static int instances = 0;
  if (args->struct_size >= sizeof(rst_init_args) && args->flags != 0 && !is(unknown_init_flag_is_taken))
    return fail(error, RST_E_UNSUPPORTED, "unknown flag of init");
  if (is(refuses_a_second_instance) && ++instances > 1) return fail(error, RST_E_STATE, "one is enough");
  if (is(longer_structs_are_refused) && args->struct_size > sizeof(rst_init_args))
    return fail(error, RST_E_INVALID, "init args of another draft");
  if (is(longer_host_is_refused) && host->struct_size > sizeof(rst_host))
    return fail(error, RST_E_INVALID, "a host of another draft");
  *instance = new Instance(host);
  return RST_DONE;
}
std::int32_t deinit(void* instance, rst_error* error) {
  if (at(instance)->busy())
    return fail(error, is(open_connection_is_invalid) ? RST_E_INVALID : RST_E_STATE, "a connection is open");
  if (!is(leaks_the_instance)) delete at(instance);
  return RST_DONE;
}

Declared::Declared() {
  std::vector<rst_kind> kinds;
  constexpr std::string_view kNames[] = {"queue", "log", "pubsub"};
  for (std::uint32_t i = is(good_has_nothing_optional) ? std::uint32_t{pubsub} : 0U; i < kind_count; ++i) {
    caps[i] = capabilities(i);
    kinds.push_back(
        {str(kNames[i]), str("held in memory"), caps[i].data(), static_cast<std::uint32_t>(caps[i].size()),
         RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER | (is(good_has_nothing_optional) ? 0U : RST_ROLE_ADMIN)});
  }
  if (is(kind_has_no_name)) kinds[1].name = {};
  if (is(two_kinds_of_one_name)) kinds[1].name = kinds[0].name;
  if (is(kind_has_an_unknown_role)) kinds[1].roles |= 64U;
  static constexpr rst_str kSchemes[] = {str("plain")};
  static const rst_field_decl fields[] = {
      {str("plain.offset"), str(is(field_has_two_lines) ? "in\nits log" : "in its log"), 0, 1, RST_TYPE_U64, 0}};
  rst_plugin& t = whole.table;
  t.struct_size = sizeof t + (is(good_has_larger_structs) ? sizeof whole.beyond : 0);
  t.abi_major = RST_ABI_MAJOR;
  t.abi_minor = RST_ABI_MINOR;
  t.flags = is(table_has_flags) ? 4 : 0;
  t.name = str("org.example.plain");
  if (!is(version_is_missing)) t.version = str("1.0");
  if (!is(good_has_nothing_optional)) t.vendor = str("nobody");
  t.schemes = kSchemes;
  t.scheme_count = 1;
  t.kinds = spread(kinds, t.kind_stride);
  t.kind_count = static_cast<std::uint32_t>(kinds.size());
  t.options = spread(options, t.option_stride);
  t.option_count = static_cast<std::uint32_t>(options.size());
  t.fields = fields;
  t.field_count = is(good_has_nothing_optional) ? 0 : 1;
  t.field_stride = sizeof(rst_field_decl);
  t.min_host_minor = RST_ABI_MINOR;
  t.validate = validate;
  t.init = init;
  t.deinit = deinit;
  t.connect = [](void* i, const rst_connection_spec* s, std::uint64_t* h, rst_error* e) {
    return at(i)->connect(s, h, e);
  };
  t.subscribe = [](void* i, std::uint64_t c, const rst_subscription_spec* s, std::uint64_t* h, rst_error* e) {
    return at(i)->subscribe(c, s, h, e);
  };
  t.open_publisher = [](void* i, std::uint64_t c, const rst_publisher_spec* s, std::uint64_t* h, rst_error* e) {
    return at(i)->open_publisher(c, s, h, e);
  };
  t.close = [](void* i, std::uint64_t h, std::uint32_t f, std::uint64_t, std::uint64_t op, rst_error* e) {
    return at(i)->close(h, f, op, e);
  };
  t.credit = [](void* i, const rst_credit* c, rst_error* e) { return at(i)->credit(c, e); };
  t.publish = [](void* i, rst_publish* p, rst_error* e) { return at(i)->publish(p, e); };
  if (is(table_reserved_set)) t.reserved[1] = &t;
  if (is(good_has_nothing_optional)) return;
  t.get_extension = extension;
  t.settle = [](void* i, const rst_settle* s, rst_error* e) { return at(i)->settle(s, e); };
  if (is(settle_is_missing)) t.settle = nullptr;
  t.flush = [](void* i, std::uint64_t h, std::uint64_t, std::uint64_t op, rst_error* e) {
    return at(i)->flush(h, op, e);
  };
  t.answer = [](void* i, std::uint64_t a, std::int32_t, const rst_position*, std::uint32_t, rst_error* e) {
    return at(i)->answer(a, e);
  };
}

}  // namespace

const rst_plugin& table() { return declared().whole.table; }
std::uint32_t kind_of(std::uint32_t index) {
  return index + (is(good_has_nothing_optional) ? std::uint32_t{pubsub} : 0U);
}

bool can(std::uint32_t kind, std::uint32_t capability) {
  if (is(works_undeclared) && capability == RST_CAP_RELEASE) return kind != pubsub;
  return std::ranges::any_of(declared().caps.at(kind), [&](const auto& each) { return each.id == capability; });
}

const rst_option_decl* find_option(const rst_option& given) {
  for (const rst_option_decl& each : declared().options) {
    if (view(each.name) == view(given.name)) return &each;
  }
  return nullptr;
}

const rst_option* given(const rst_option* options, std::uint32_t count, std::string_view name) {
  for (std::uint32_t i = 0; i < count; ++i) {
    if (view(options[i].name) == name) return &options[i];
  }
  return nullptr;
}

}  // namespace plain

extern "C" RST_EXPORT const rst_plugin* rst_plugin_v0() {
  static const void* const parts = variant_parts();
  static int asked = 0;
  static_cast<void>(parts);
  if (!plain::is(plain::entry_makes_a_table_each_time) || ++asked == 1) return &plain::table();
  static const rst_plugin another = plain::table();
  return &another;
}
