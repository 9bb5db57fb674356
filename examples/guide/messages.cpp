// Which types are messages, and what JSON says of them. Page: docs/messages.md.
#include <ruststream/ruststream.hpp>

#include <array>
#include <iostream>
#include <map>

namespace rs = ruststream;

// --8<-- [start:plain]
enum class Currency { eur, usd };

struct Item {
  std::string sku;
  std::uint16_t quantity;
};

struct Order {
  std::uint64_t id;
  Currency currency;
  std::vector<Item> items;
  std::optional<std::string> note;
  std::array<double, 2> position;
  std::map<std::string, std::string> labels;
};
// --8<-- [end:plain]

// --8<-- [start:describe]
class Account {
 public:
  [[nodiscard]] std::int64_t balance() const { return balance_; }

 private:
  std::uint64_t id_ = 0;
  std::int64_t balance_ = 0;

  RUSTSTREAM_DESCRIBE(Account, id_, balance_);
};
// --8<-- [end:describe]

// --8<-- [start:names]
enum class Side : std::uint8_t { buy, sell };

consteval auto ruststream_describe(const Side*) {
  return rs::enumerators(rs::enumerator("BUY", Side::buy), rs::enumerator("SELL", Side::sell));
}

struct Trade {
  std::uint64_t id;
  Side side;
};

consteval auto ruststream_describe(const Trade*) {
  return rs::fields(rs::field("trade-id", &Trade::id), rs::field("side", &Trade::side));
}
// --8<-- [end:names]

// --8<-- [start:try]
template <class T>
void try_json(std::string_view text) {
  T value{};
  rs::Arena arena;
  rs::Error error;
  rs::Buffer out;
  if (!rs::json().decode(rs::type_table<T>(), {text.data(), text.size(), &arena}, &value, error)) {
    std::cout << error.text << '\n';
  } else if (rs::json().encode(rs::type_table<T>(), &value, out, error)) {
    std::cout << out.text() << '\n';
  }
}
// --8<-- [end:try]

int main() {
  try_json<Order>(R"({"id": 1, "currency": "eur", "items": [{"sku": "a-1", "quantity": 2}], "position": [1, 2.5],
                      "labels": {}, "colour": "unknown members are stepped over"})");
  try_json<Account>(R"({"balance": -5, "id": 3})");
  try_json<Trade>(R"({"trade-id": 9, "side": "SELL"})");
  try_json<Item>(R"({"sku": "a-1"})");
  try_json<Item>(R"({"sku": "a-1", "quantity": "2"})");
  try_json<Item>(R"({"sku": "a-1", "quantity": 70000})");
  try_json<Item>(R"({"sku": null, "quantity": 2})");
  try_json<Order>(R"({"id": 1, "currency": "eur", "items": [{"sku": "a-1", "quantity": 2.5}]})");
  try_json<Order>(R"({"id": 1, "currency": "gbp"})");
  try_json<Item>(R"({"sku": "a-1", "quantity": 2, "sku": "a-2"})");
  try_json<Item>(R"({"sku": "a-1", "quantity": 2,})");
}
