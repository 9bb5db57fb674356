#pragma once
#include <ruststream/codec.hpp>
#include <ruststream/type_table.hpp>

#include <string>
#include <string_view>

// What the tests of this folder share.
namespace ruststream::inline v0::codec {

/// Decodes, and gives the error's text, empty when there is none.
template <class T>
std::string decode_error(const Codec& codec, std::string_view document, T& object, Arena& arena) {
  Error error(Code::internal, "untouched");
  const bool decoded = codec.decode(type_table<T>(), {document.data(), document.size(), &arena}, &object, error);
  if (decoded) return "";
  return error.code == Code::corrupt || error.code == Code::invalid ? error.text : "failed without an error";
}

template <class T>
std::string decode_error(std::string_view document) {
  T object{};
  Arena arena;
  return decode_error(json(), document, object, arena);
}

/// The document, or the error's text.
template <class T>
std::string encoded(const T& object, const Codec& codec = json()) {
  Buffer buffer;
  Error error;
  return codec.encode(type_table<T>(), &object, buffer, error) ? std::string(buffer.text()) : error.text;
}

}  // namespace ruststream::inline v0::codec
