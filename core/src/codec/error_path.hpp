#pragma once
#include <ruststream/error.hpp>

#include <cstddef>
#include <string_view>

// The text of a codec's error grows from the inside out: "expected number, found string", then each enclosing value
// puts itself in front, so that a path costs nothing where nothing fails.
namespace ruststream::inline v0::codec {

void start_error(Error& error, Code code, std::string_view reason);
void inside_member(Error& error, std::string_view name);
void inside_element(Error& error, std::size_t index);
/// A value of a map; its key is payload and not named.
void inside_map(Error& error);
/// Drops what an empty or complete path has too much at its front.
void finish_error(Error& error);

}  // namespace ruststream::inline v0::codec
