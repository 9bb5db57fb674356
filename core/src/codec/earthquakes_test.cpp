#include "codec/codec_testing.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

namespace ruststream::inline v0::codec {
namespace {

struct Properties {
  double mag;
  std::string place;
  std::int64_t time, updated;
  int tz;
  std::string url, detail;
  std::optional<std::uint32_t> felt;
  std::optional<double> cdi, mmi;
  std::optional<std::string> alert;
  std::string status;
  std::uint8_t tsunami;
  std::uint16_t sig;
  std::string_view net, code, ids, sources, types;
  std::optional<std::uint16_t> nst;
  std::optional<double> dmin, rms, gap;
  std::string magType;  // NOLINT(readability-identifier-naming): its name on the wire
  std::string type, title;
};

struct Geometry {
  std::string type;
  std::array<double, 3> coordinates;
};

struct Feature {
  std::string type;
  Properties properties;
  Geometry geometry;
  std::string id;
};

/// A line without the members that are null, and so what the encoder has to write for it.
std::string without_nulls(std::string line) {
  for (std::size_t end = line.find(":null,"); end != std::string::npos; end = line.find(":null,")) {
    const std::size_t begin = line.rfind('"', end - 2);
    line.erase(begin, end + 6 - begin);
  }
  return line;
}

TEST(Earthquakes, EveryEventDecodesAndEncodesToItsOwnText) {
  std::ifstream file(RUSTSTREAM_SOURCE_DIR "/examples/quakes/data/earthquakes.ndjson");
  ASSERT_TRUE(file.is_open());
  int events = 0;
  int strong = 0;
  int strong_in_text = 0;
  Feature feature;  // one for all lines: nothing of a line may stay
  Arena arena;
  for (std::string line; std::getline(file, line); ++events) {
    ASSERT_EQ(decode_error(json(), line, feature, arena), "") << line;
    ASSERT_EQ(encoded(feature), without_nulls(line));
    strong += feature.properties.mag >= 4.5 ? 1 : 0;
    strong_in_text += std::strtod(line.c_str() + line.find("\"mag\":") + 6, nullptr) >= 4.5 ? 1 : 0;
  }
  EXPECT_EQ(events, 1707);
  EXPECT_EQ(strong, strong_in_text);
  EXPECT_GT(strong, 0);
}

}  // namespace
}  // namespace ruststream::inline v0::codec
