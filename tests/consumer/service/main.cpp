#include <ruststream/error.hpp>

#include <cstdio>
#include <string_view>

int main() {
  const std::string_view word = ruststream::to_string(ruststream::Code::not_found);
  std::printf("%s\n", word.data());
  return word == "not_found" ? 0 : 1;
}
