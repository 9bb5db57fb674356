#include "host/topology.hpp"

#include <algorithm>

namespace conformance {
namespace {

/// The case's kind, where it is one that rst.admin knows; else the first that is.
const Kind* admin_kind(const Test& test) {
  const auto is_admin = [](const Kind& kind) { return (kind.roles & RST_ROLE_ADMIN) != 0; };
  if (is_admin(test.kind)) return &test.kind;
  const auto found = std::ranges::find_if(test.plugin.kinds(), is_admin);
  return found != test.plugin.kinds().end() ? &*found : nullptr;
}

}  // namespace

void create_object(Test& test, const std::string& object) {
  const auto* const admin = test.plugin.extension<rst_admin>(RST_EXT_ADMIN);
  const Kind* const kind = admin_kind(test);
  if (admin == nullptr || kind == nullptr) {
    Test::skip("the testkit has objects created, and the plugin has no rst.admin or no kind of role ADMIN");
  }
  const auto set = OptionArray::make(test.plugin, test.admin_options(kind->name));
  if (!set) Test::skip("the testkit does not fit the plugin: " + set.error());
  Instance& instance = test.instance();
  const Connection& on = instance.connection();
  const Lent<char> name = lend_bytes(object, "rst_admin_request.name");
  Lent<rst_admin_request> request("rst_admin_request");
  request->struct_size = sizeof(rst_admin_request);
  request->connection = on.handle;
  request->action = RST_ADMIN_CREATE;
  request->kind = kind->index;
  request->name = {name.get(), object.size()};
  request->options = set->data();
  request->option_count = set->size();
  request->timeout_ns = std::chrono::nanoseconds(5s).count();
  const Outcome outcome = instance
                              .call("rst.admin", on.id, 5s,
                                    [&](std::uint64_t op, std::uint64_t&, rst_error* error) {
                                      request->op = op;
                                      return admin->apply(instance.raw(), request.get(), error);
                                    })
                              .wait();
  test.expect(outcome.ok(), "cap", "rst.admin creates " + object, outcome.said());
}

}  // namespace conformance
