// Publishing from handlers, replies, and publishing from outside of them. Page: docs/service.md.
#include <ruststream/ruststream.hpp>

#include <expected>
#include <iostream>

namespace rs = ruststream;

// --8<-- [start:context]
struct Order {
  std::uint64_t id;
  std::uint32_t quantity;
};
struct Alert {
  std::uint64_t order;
  std::string text;
};

void inspect(const Order& order, rs::Context& ctx) {
  if (order.quantity < 1000) return;
  const Alert alert{order.id, "unusually large"};
  (void)ctx.outgoing(alert).to("alerts").key("large").header("x-severity", "2").publish();
}
// --8<-- [end:context]

// --8<-- [start:declared]
void declare_inspection(rs::Scope& b) {
  rs::Publisher alerts = b.publisher("alerts", "alerts");
  b.subscribe("orders", [alerts](const Order& order, rs::Context& ctx) {
     const Alert alert{order.id, "seen"};
     (void)ctx.publish(alerts, alert);
   }).name("inspection");
}
// --8<-- [end:declared]

// --8<-- [start:reply]
struct Quote {
  std::uint64_t order;
  std::uint32_t cents;
};

std::expected<Quote, rs::Outcome> quote(const Order& order) {
  if (order.quantity == 0) return std::unexpected(rs::reject("nothing was ordered"));
  return Quote{order.id, order.quantity * 250};
}
// --8<-- [end:reply]

void stop_after_three(rs::Context& ctx) {
  static int seen = 0;
  if (++seen == 3) ctx.stop();
}

// --8<-- [start:answer]
void show(const Quote& quote, rs::Context& ctx) {
  std::cout << "quote " << ctx.message().correlation_id() << ": " << quote.cents << " cents\n";
  stop_after_three(ctx);  // ends this example
}
// --8<-- [end:answer]

void show_alert(const Alert& alert, rs::Context& ctx) {
  std::cout << "order " << alert.order << ": " << alert.text << '\n';
  stop_after_three(ctx);
}

// --8<-- [start:outside]
rs::Task<rs::Result<void>> ask(rs::App& app) {
  auto out = app.publisher();
  if (!out) co_return std::unexpected(out.error());
  const Order order{7, 1200};
  auto sent = co_await out->message(order).to("orders").reply_to("quotes").correlation_id("q-7").publish();
  co_return sent;
}
// --8<-- [end:outside]

rs::App app() {
  rs::App app{{.title = "quotes", .version = "1.0.0"}};
  app.broker("memory:", [](rs::Scope& b) {
    b.subscribe("alerts", show_alert);
    b.subscribe("orders", inspect).name("inspect");
    declare_inspection(b);
    b.subscribe("orders", quote);
    b.subscribe("quotes", show);
  });
  app.after_startup(ask);
  return app;
}
RUSTSTREAM_MAIN(app)
