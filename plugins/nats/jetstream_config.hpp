// Consumers and streams as JetStream's API has them: JSON for what is wanted, and what became of it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::nats {

inline constexpr std::size_t kMostNameBytes = 200;  // of a stream or a consumer: they are file names at the server

/// Whether a server takes it as the name of a stream or a consumer.
[[nodiscard]] bool is_stream_name(std::string_view name) noexcept;

/// A consumer as a subscription wants it. What is empty or 0 is left to the server.
struct ConsumerConfig {
  std::string stream, name;  // no name: the server makes one
  std::vector<std::string> filters;
  std::string deliver = "all";  // new, last, last_per_subject, by_start_sequence, by_start_time
  std::uint64_t start_sequence = 0;
  std::optional<std::int64_t> start_time_ns = {};
  bool durable = false;
  bool settles = true;  // else of ack policy none
  std::uint64_t ack_wait_ns = 0;
  std::vector<std::uint64_t> backoff_ns = {};
  std::uint64_t max_deliver = 0;
  std::uint64_t max_ack_pending = 0;
  std::uint64_t inactive_ns = 0;
  std::uint64_t replicas = 0;
  bool original_replay = false;
  bool headers_only = false;
  bool memory = false;

  [[nodiscard]] nlohmann::json json() const;
  /// Where it is created. One filter stands in the subject, so that permissions can be given for it.
  [[nodiscard]] std::string create_subject(std::string_view prefix) const;
  /// `only_new`: newer servers refuse one that is there with other settings.
  [[nodiscard]] std::string create_request(bool only_new = true) const;
};

/// The first setting of `wanted` that `kept` does not have, as "name is X, not Y"; none where all are there. Only those
/// that `counts` names when it is not empty.
[[nodiscard]] std::optional<std::string> difference(const nlohmann::json& wanted, const nlohmann::json& kept,
                                                    const std::vector<std::string>& counts = {});

/// A stream as rst.admin makes it.
struct StreamConfig {
  std::string name;
  std::vector<std::string> subjects;  // none: the name
  std::string storage = "file", retention = "limits", discard = "old";
  std::uint64_t max_messages = 0, max_bytes = 0, max_age_ns = 0, max_messages_per_subject = 0, max_message_bytes = 0;
  std::uint64_t replicas = 1, duplicate_window_ns = 0;

  [[nodiscard]] nlohmann::json json() const;
};

/// An answer of the API, read. `error`: code and description of the server, or of this side where it is no JSON.
struct ApiAnswer {
  nlohmann::json body;
  std::int32_t code = 0, error_code = 0;
  std::string error;
  [[nodiscard]] bool ok() const noexcept { return code == 0; }
};
[[nodiscard]] ApiAnswer read_answer(std::string_view text);

// A member of an object as the type that it should have; else nothing: a peer may send anything.
[[nodiscard]] const nlohmann::json& object_in(const nlohmann::json& of, const char* name);
[[nodiscard]] std::string text_in(const nlohmann::json& of, const char* name, std::string_view otherwise = {});
[[nodiscard]] std::uint64_t number_in(const nlohmann::json& of, const char* name, std::uint64_t otherwise = 0);
/// As text, whatever bytes its strings have.
[[nodiscard]] std::string written(const nlohmann::json& value);

}  // namespace ruststream::nats
