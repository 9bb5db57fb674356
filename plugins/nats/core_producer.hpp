// Kind `core`: publishing, handed over and no more.
#pragma once

#include "link.hpp"

namespace ruststream::nats {

class CoreProducer final : public Producer {
 public:
  CoreProducer(sdk::Publisher& of, Link& link, const rst_publisher_spec& spec);

  void session_up(Session&) override {}
  void session_down(const rst_error&) override {}
  void refused(std::string_view what) override;
  void close(bool abort, Time deadline) override;

  void snapshot(std::vector<rst_stat>& stats) const override;
  std::int32_t publish(rst_publish& call, sdk::ErrorOut error) override;
  std::int32_t request(rst_publish& call, sdk::ErrorOut error) override;
  std::int32_t flush(std::uint64_t timeout_ns, std::uint64_t op, sdk::ErrorOut error) override;

 private:
  void end();

  const std::string destination_;
  Timers::Key timer_ = Timers::kNone;  // of closing
  std::atomic<std::uint64_t> published_{0};
  std::atomic<bool> ended_{false};
};

}  // namespace ruststream::nats
