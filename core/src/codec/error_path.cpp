#include "codec/error_path.hpp"

#include <string>

namespace ruststream::inline v0::codec {

void start_error(Error& error, Code code, std::string_view reason) {
  std::string text = ": ";
  text.append(reason);
  error = Error(code, std::move(text));
}

void inside_member(Error& error, std::string_view name) {
  std::string text = ".";
  text.append(name).append(error.text);
  error.text = std::move(text);
}

void inside_element(Error& error, std::size_t index) {
  std::string text = "[";
  text.append(std::to_string(index)).append("]").append(error.text);
  error.text = std::move(text);
}

void inside_map(Error& error) {
  std::string text = "[*]";
  text.append(error.text);
  error.text = std::move(text);
}

void finish_error(Error& error) {
  if (error.text.starts_with(": ")) error.text.erase(0, 2);
  if (error.text.starts_with('.')) error.text.erase(0, 1);
}

}  // namespace ruststream::inline v0::codec
