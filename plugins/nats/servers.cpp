#include "servers.hpp"

#include <algorithm>
#include <random>

namespace ruststream::nats {

Servers::Servers(const std::vector<Server>& named, bool randomize) : all_(named) {
  if (randomize) std::shuffle(all_.begin(), all_.end(), std::mt19937(std::random_device{}()));
}

const Server& Servers::next() {
  const Server& server = all_[next_];
  next_ = (next_ + 1) % all_.size();
  ++tried_;
  return server;
}

/// cnats writes nats://HOST:PORT; others are none of ours.
void Servers::discovered(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  if (const auto at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
  const auto server = parse_server(url);
  if (!server || all_.size() == kMost || std::find(all_.begin(), all_.end(), *server) != all_.end()) return;
  all_.push_back(*server);
}

}  // namespace ruststream::nats
