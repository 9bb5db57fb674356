// A service that nearly every broker can carry. Page: docs/authors/tutorial.md.
#include <ruststream/ruststream.hpp>

#include <iostream>

namespace rs = ruststream;

// --8<-- [start:work]
struct Job {
  std::uint64_t id;
};

rs::Outcome work(const Job& job, rs::Context& ctx) {
  std::cout << "job " << job.id << ", attempt " << ctx.message().attempt() << '\n';
  if (ctx.message().attempt() == 1) return rs::retry();
  ctx.stop();  // ends this example
  return rs::ack();
}
// --8<-- [end:work]

rs::Task<rs::Result<void>> give_one(rs::App& app) {
  auto out = app.publisher();
  if (!out) co_return std::unexpected(out.error());
  const Job job{7};
  co_return co_await out->message(job).to("jobs").publish();
}

rs::App app() {
  rs::App app{{.title = "jobs", .version = "1.0.0"}};
  app.broker("memory:", [](rs::Scope& b) { b.subscribe("jobs", work); });
  app.after_startup(give_one);
  return app;
}
RUSTSTREAM_MAIN(app)
