// Which kind makes what.
#include "core_consumer.hpp"
#include "core_producer.hpp"
#include "declarations.hpp"
#include "jetstream_consumer.hpp"
#include "jetstream_producer.hpp"
#include "roles.hpp"

namespace ruststream::nats {

std::unique_ptr<Consumer> make_consumer(sdk::Subscription& of, Link& link, const rst_subscription_spec& spec) {
  if (spec.kind != kCore) return std::make_unique<StreamConsumer>(of, link, spec);
  return std::make_unique<CoreConsumer>(of, link, spec);
}

std::unique_ptr<Producer> make_producer(sdk::Publisher& of, Link& link, const rst_publisher_spec& spec) {
  if (spec.kind != kCore) return std::make_unique<StreamProducer>(of, link, spec);
  return std::make_unique<CoreProducer>(of, link, spec);
}

}  // namespace ruststream::nats
