// What becomes of messages that fail. Page: docs/service.md.
#include <ruststream/ruststream.hpp>

#include <iostream>
#include <stdexcept>

namespace rs = ruststream;
using namespace std::chrono_literals;

// --8<-- [start:policy]
struct Payment {
  std::uint64_t id;
  std::uint32_t cents;
};

void charge(const Payment& payment, rs::Context& ctx) {
  std::cout << "payment " << payment.id << ", attempt " << ctx.message().attempt() << '\n';
  throw std::runtime_error("the bank does not answer");
}

void give_up(rs::Message message, rs::Context& ctx) {
  for (const rs::Header header : message.headers()) std::cout << header.name << ": " << header.value << '\n';
  ctx.stop();
}

void payments(rs::Scope& b) {
  b.subscribe("payments", charge)
      .on_failure(rs::retry_with_backoff(10ms, 1s))
      .max_attempts(3)
      .dead_letter("payments.failed")
      .on_decode_failure(rs::kSkip);
  b.subscribe("payments.failed", give_up);
}
// --8<-- [end:policy]

rs::Task<rs::Result<void>> pay(rs::App& app) {
  auto out = app.publisher();
  if (!out) co_return std::unexpected(out.error());
  auto broken = co_await out->message(rs::Payload("{\"id\": 1, \"cents\": -5}")).to("payments").publish();
  if (!broken) co_return broken;
  const Payment payment{2, 500};
  co_return co_await out->message(payment).to("payments").publish();
}

rs::App app() {
  rs::App app{{.title = "payments", .version = "1.0.0"}};
  app.broker("memory:", payments);
  app.after_startup(pay);
  return app;
}
RUSTSTREAM_MAIN(app)
