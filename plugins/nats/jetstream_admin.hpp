// rst.admin and rst.stats of kind `jetstream`: streams, and with a parent the consumers of one.
#pragma once

#include <ruststream/abi/ext/admin.h>
#include <ruststream/sdk.hpp>

namespace ruststream::nats {

class Link;

namespace sdk = ruststream::sdk;

/// [any thread]
std::int32_t administer(Link& link, const rst_admin_request& request, sdk::ErrorOut error);

}  // namespace ruststream::nats
