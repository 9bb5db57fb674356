#include "jetstream_config.hpp"

#include "jetstream_wire.hpp"

#include <algorithm>

namespace ruststream::nats {
namespace {

using nlohmann::json;

/// The same setting, however the server writes it: it leaves out what is nothing, and cuts zeros off a time.
bool same(const std::string& name, const json& wanted, const json* kept) {
  if (kept == nullptr)
    return wanted.is_null() || wanted == json(0) || wanted == json(false) || wanted == json("") || wanted.empty();
  if (name == "opt_start_time" && wanted.is_string() && kept->is_string())
    return from_rfc3339(wanted.get_ref<const std::string&>()) == from_rfc3339(kept->get_ref<const std::string&>());
  return wanted == *kept;
}

void put(json& to, const char* name, std::uint64_t value) {
  if (value != 0) to[name] = value;
}

json limit(std::uint64_t value) { return value == 0 ? json(-1) : json(value); }

}  // namespace

bool is_stream_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kMostNameBytes && std::ranges::all_of(name, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7F && c != '.' && c != '*' && c != '>' && c != '/' && c != '\\';
  });
}

json ConsumerConfig::json() const {
  nlohmann::json config;
  if (durable) config["durable_name"] = name;
  if (!name.empty()) config["name"] = name;
  config["deliver_policy"] = deliver;
  put(config, "opt_start_seq", start_sequence);
  if (start_time_ns) config["opt_start_time"] = to_rfc3339(*start_time_ns);
  config["ack_policy"] = settles ? "explicit" : "none";
  if (settles) put(config, "ack_wait", backoff_ns.empty() ? ack_wait_ns : backoff_ns.front());
  if (!backoff_ns.empty()) config["backoff"] = backoff_ns;
  put(config, "max_deliver", max_deliver);
  if (settles) put(config, "max_ack_pending", max_ack_pending);
  if (filters.size() == 1) config["filter_subject"] = filters.front();
  if (filters.size() > 1) config["filter_subjects"] = filters;
  config["replay_policy"] = original_replay ? "original" : "instant";
  if (headers_only) config["headers_only"] = true;
  put(config, "inactive_threshold", inactive_ns);
  put(config, "num_replicas", replicas);
  if (memory) config["mem_storage"] = true;
  return config;
}

std::string ConsumerConfig::create_subject(std::string_view prefix) const {
  std::string subject(prefix);
  subject += ".CONSUMER.CREATE." + stream;
  if (name.empty()) return subject;
  subject += '.' + name;
  if (filters.size() == 1) subject += '.' + filters.front();
  return subject;
}

std::string ConsumerConfig::create_request(bool only_new) const {
  return written({{"stream_name", stream}, {"config", json()}, {"action", only_new ? "create" : ""}});
}

std::optional<std::string> difference(const json& wanted, const json& kept, const std::vector<std::string>& counts) {
  for (const auto& [name, value] : wanted.items()) {
    if (!counts.empty() && std::ranges::find(counts, name) == counts.end()) continue;
    const auto found = kept.find(name);
    if (same(name, value, found == kept.end() ? nullptr : &*found)) continue;
    return name + " is " + (found == kept.end() ? "not kept" : written(*found)) + ", not " + written(value);
  }
  return std::nullopt;
}

json StreamConfig::json() const {
  nlohmann::json config{{"name", name},
                        {"subjects", subjects.empty() ? std::vector<std::string>{name} : subjects},
                        {"storage", storage},
                        {"retention", retention},
                        {"discard", discard},
                        {"max_consumers", -1},
                        {"max_msgs", limit(max_messages)},
                        {"max_bytes", limit(max_bytes)},
                        {"max_msgs_per_subject", limit(max_messages_per_subject)},
                        {"max_msg_size", limit(max_message_bytes)},
                        {"max_age", max_age_ns},
                        {"num_replicas", replicas}};
  put(config, "duplicate_window", duplicate_window_ns);
  return config;
}

const json& object_in(const json& of, const char* name) {
  static const json none;  // of no memory: the I/O thread may still run while a process that never closed ends
  const auto found = of.find(name);
  return found != of.end() && found->is_object() ? *found : none;
}

std::string text_in(const json& of, const char* name, std::string_view otherwise) {
  const auto found = of.find(name);
  return found != of.end() && found->is_string() ? found->get<std::string>() : std::string(otherwise);
}

std::uint64_t number_in(const json& of, const char* name, std::uint64_t otherwise) {
  const auto found = of.find(name);
  return found != of.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : otherwise;
}

std::string written(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

ApiAnswer read_answer(std::string_view text) {
  ApiAnswer answer;
  answer.body = json::parse(text, nullptr, false);
  if (!answer.body.is_object()) {
    answer.code = 500;
    answer.error = "the server's answer is no JSON object";
    return answer;
  }
  if (const auto& error = object_in(answer.body, "error"); !error.empty()) {
    answer.code = static_cast<std::int32_t>(number_in(error, "code", 500));
    answer.error_code = static_cast<std::int32_t>(number_in(error, "err_code"));
    answer.error = text_in(error, "description", "no description");
  }
  return answer;
}

}  // namespace ruststream::nats
