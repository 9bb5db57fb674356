#include "request.hpp"

#include <charconv>
#include <utility>

namespace ruststream::memory {

Request& Requests::add(Connection& connection, std::uint64_t op) {
  auto request = std::make_unique<Request>(connection, op);
  request->number = ++last_number_;
  return *waiting_.emplace(request->number, std::move(request)).first->second;
}

std::unique_ptr<Request> Requests::take(std::string_view inbox) {
  const auto digits = inbox.substr(std::string_view(kPrefix).size());
  std::uint64_t number = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (fault != std::errc{} || end != digits.data() + digits.size()) return nullptr;
  const auto found = waiting_.find(number);
  return found != waiting_.end() ? take(*found->second) : nullptr;
}

std::unique_ptr<Request> Requests::take(Request& request) {
  const auto found = waiting_.find(request.number);
  auto taken = std::move(found->second);
  waiting_.erase(found);
  return taken;
}

std::vector<std::unique_ptr<Request>> Requests::take_all(const Connection& connection) {
  std::vector<std::unique_ptr<Request>> taken;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    if (&at->second->connection != &connection) {
      ++at;
      continue;
    }
    taken.push_back(std::move(at->second));
    at = waiting_.erase(at);
  }
  return taken;
}

}  // namespace ruststream::memory
