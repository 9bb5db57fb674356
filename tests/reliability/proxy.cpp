// The fault proxy for driver.py: reliability_proxy PORT… prints a port of its own for each, then makes the faults that
// it reads, one word a line, and prints a line for each.
#include "proxy/proxy.hpp"

#include <iostream>

int main(int argc, char** argv) {
  using conformance::Proxy;
  std::vector<std::unique_ptr<Proxy>> proxies;
  for (int i = 1; i != argc; ++i) {
    auto proxy = Proxy::to("127.0.0.1", static_cast<std::uint16_t>(std::stoul(argv[i])));
    if (!proxy) return std::cerr << proxy.error() << '\n', 1;
    std::cout << (*proxy)->port() << ' ';
    proxies.push_back(std::move(*proxy));
  }
  std::cout << std::endl;
  for (std::string word; std::cin >> word;) {
    const auto fault = word == "cut" ? conformance::Fault::cut : conformance::Fault::reset;
    for (const auto& proxy : proxies) proxy->make(fault);
    std::cout << word << std::endl;
  }
}
