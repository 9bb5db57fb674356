// Which server to dial next.
#pragma once

#include "settings.hpp"

namespace ruststream::nats {

/// The servers that the URL names, then those that the cluster told of, round and round.
class Servers {
 public:
  static constexpr std::size_t kMost = 256;

  Servers(const std::vector<Server>& named, bool randomize);

  /// The next to be tried.
  const Server& next();
  /// All have been tried since the last success.
  [[nodiscard]] bool round_is_over() const noexcept { return tried_ >= all_.size(); }
  void begin_round() noexcept { tried_ = 0; }
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  void discovered(std::string_view url);

 private:
  std::vector<Server> all_;
  std::size_t next_ = 0, tried_ = 0;
};

}  // namespace ruststream::nats
