// What is written about the declarations elsewhere agrees with them: the builder's words, the tables of the README.
// README_WRITE=1 writes the tables anew.
#include "declarations.hpp"

#include <ruststream/nats.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <span>
#include <sstream>

namespace ruststream::nats {
namespace {

struct Words {  // what an rs::Registration is told
  std::string the_kind, the_group, the_durable;
  std::vector<std::pair<std::string, std::string>> options;
  Words& kind(std::string text) { return the_kind = std::move(text), *this; }
  Words& group(std::string text) { return the_group = std::move(text), *this; }
  Words& durable(std::string text) { return the_durable = std::move(text), *this; }
  Words& option(std::string name, std::string value) {
    options.emplace_back(std::move(name), std::move(value));
    return *this;
  }
};

template <class Described>
Words words_of(const Described& source) {
  Words words;
  source.describe(words);
  for (std::size_t kind = 0; kind < kKindTable.size(); ++kind) {
    if (sdk::view(kKindTable[kind].name) != words.the_kind) continue;
    for (const auto& [name, value] : words.options) {
      const auto found = std::find_if(kOptionTable.begin(), kOptionTable.end(), [&](const sdk::Option& each) {
        return sdk::view(each.decl.name) == name && (each.decl.scopes & RST_SCOPE_SUBSCRIPTION) != 0 &&
               (each.decl.kinds == 0 || (each.decl.kinds >> kind & 1U) != 0);
      });
      EXPECT_NE(found, kOptionTable.end()) << words.the_kind << ' ' << name;
    }
    return words;
  }
  ADD_FAILURE() << "no kind " << words.the_kind;
  return words;
}

TEST(Builders, SayOptionsThatTheirKindDeclares) {
  const Words core = words_of(Core("a.>").group("g").pending_messages(7).pending_bytes(8));
  EXPECT_EQ(core.the_group, "g");
  EXPECT_EQ(core.options.front(), (std::pair<std::string, std::string>{"pending_messages", "7"}));
  using std::chrono::milliseconds;
  const Words stream = words_of(JetStream("a.*")
                                    .deliver("all")
                                    .start_sequence(1)
                                    .start_time("2026-01-31T12:00:00Z")
                                    .replay("instant")
                                    .headers_only()
                                    .pull_expires(milliseconds(5000))
                                    .durable("w")
                                    .ack_wait(milliseconds(10))
                                    .max_deliver(3)
                                    .max_in_flight(512)
                                    .consumer_replicas(1)
                                    .consumer_memory());
  EXPECT_EQ(stream.the_durable, "w");
  EXPECT_EQ(stream.options.back(), (std::pair<std::string, std::string>{"consumer_memory", "true"}));
  words_of(Ordered("a").deliver("new").replay("original").headers_only(false).pull_expires(milliseconds(5000)));
}

std::string scopes(std::uint32_t bits) {
  std::string text;
  for (const auto& [bit, name] : {std::pair{RST_SCOPE_CONNECTION, "connection"},
                                  {RST_SCOPE_SUBSCRIPTION, "subscription"},
                                  {RST_SCOPE_PUBLISHER, "publisher"},
                                  {RST_SCOPE_MESSAGE, "message"},
                                  {RST_SCOPE_ADMIN, "admin"}}) {
    if ((bits & bit) != 0) text += (text.empty() ? "" : ", ") + std::string(name);
  }
  return text;
}

std::string kinds(std::uint64_t bits) {
  std::string text;
  for (std::size_t kind = 0; bits != 0 && kind < kKindTable.size(); ++kind) {
    if ((bits >> kind & 1U) != 0) text += (text.empty() ? "" : ", ") + std::string(sdk::view(kKindTable[kind].name));
  }
  return text;
}

constexpr std::pair<std::uint32_t, const char*> kAbilities[] = {
    {RST_CAP_SETTLE, "messages are settled: what is not comes again"},
    {RST_CAP_SETTLE_CONFIRM, "a settlement can be confirmed by the server"},
    {RST_CAP_RETRY, "retry"},
    {RST_CAP_RETRY_AFTER, "retry after a delay"},
    {RST_CAP_RELEASE, "release"},
    {RST_CAP_REJECT, "reject"},
    {RST_CAP_EXTEND, "a long handler asks for more time"},
    {RST_CAP_ATTEMPT, "attempts are counted"},
    {RST_CAP_OVERFLOW, "what a slow handler leaves waiting"},
    {RST_CAP_BATCH, "batches"},
    {RST_CAP_GROUP, "groups share the messages"},
    {RST_CAP_WILDCARD, "wildcards"},
    {RST_CAP_SEEK, "seek, and start at a position"},
    {RST_CAP_POSITION, "positions of messages"},
    {RST_CAP_PUBLISH_CONFIRM, "a publish can be confirmed: it is stored"},
    {RST_CAP_PUBLISH_ORDER, "one publisher's messages keep their order"},
    {RST_CAP_RECEIPT, "receipts of publishes: sequence, duplicate"},
    {RST_CAP_DEDUPLICATE, "a message id that was seen is dropped"},
    {RST_CAP_HEADERS, "headers"},
    {RST_CAP_PAYLOAD, "any bytes, also none"},
    {RST_CAP_MAX_PAYLOAD, "longest message"},
    {RST_CAP_REQUEST, "requests and replies"},
    {RST_CAP_MATCH, "which subscriptions a publish reaches is known before"},
};

/// How far a kind has it; empty: not at all.
std::string level(const rst_kind& kind, std::uint32_t id) {
  const auto* const found =
      std::find_if(kind.caps, kind.caps + kind.cap_count, [&](const auto& c) { return c.id == id; });
  if (found == kind.caps + kind.cap_count || found->level == RST_LEVEL_NONE) return "";
  constexpr const char* kLevels[] = {"", "copies", "held by the plugin", "fixed", "native"};
  std::string text = kLevels[found->level];
  if (id == RST_CAP_OVERFLOW)
    text = found->limit == RST_OVERFLOW_DROP ? "lost beyond `pending_…`" : "stays in the stream";
  if (id == RST_CAP_MAX_PAYLOAD) text = "as the server says";
  if ((found->flags & RST_CAP_COUNTED) != 0) text += ", counted as an attempt";
  if ((found->flags & RST_CAP_LOSES_ORDER) != 0) text += ", comes later";
  if ((found->flags & RST_CAP_SHARED) != 0) text += ", of the whole group";
  return text;
}

std::string guarantees() {
  std::ostringstream out;
  out << "| guarantee |";
  for (const rst_kind& kind : kKindTable) out << " `" << sdk::view(kind.name) << "` |";
  out << "\n|---|---|---|---|\n";
  for (const auto& [id, what] : kAbilities) {
    out << "| " << what << " |";
    for (const rst_kind& kind : kKindTable) out << ' ' << level(kind, id) << " |";
    out << '\n';
  }
  return out.str();
}

TEST(Readme, HasEveryGuarantee) {
  for (const rst_kind& kind : kKindTable) {
    for (const rst_capability& each : std::span{kind.caps, kind.cap_count}) {
      EXPECT_NE(std::ranges::find(kAbilities, each.id, [](const auto& known) { return known.first; }),
                std::end(kAbilities))
          << sdk::view(kind.name) << ' ' << each.id;
    }
  }
}

std::string tables() {
  std::ostringstream out;
  out << "| kind | what it is |\n|---|---|\n";
  for (const rst_kind& each : kKindTable)
    out << "| `" << sdk::view(each.name) << "` | " << sdk::view(each.doc) << " |\n";
  out << '\n' << guarantees();
  out << "\n| option | of | kinds | default | what it is |\n|---|---|---|---|---|\n";
  for (const sdk::Option& each : kOptionTable) {
    out << "| `" << sdk::view(each.decl.name) << "` | " << scopes(each.decl.scopes) << " | " << kinds(each.decl.kinds)
        << " | " << sdk::view(each.decl.default_text) << " | " << sdk::view(each.decl.doc) << " |\n";
  }
  return out.str();
}

TEST(Readme, HasTheTablesOfTheDeclarations) {
  constexpr std::string_view kBegin = "<!-- tables -->\n";
  constexpr std::string_view kEnd = "<!-- end of tables -->";
  std::ifstream in(NATS_README);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto begin = text.find(kBegin);
  const auto end = text.find(kEnd);
  ASSERT_TRUE(begin != std::string::npos && end != std::string::npos);
  const auto from = begin + kBegin.size();
  if (std::getenv("README_WRITE") != nullptr) {
    std::ofstream(NATS_README) << text.replace(from, end - from, tables());
    return;
  }
  EXPECT_EQ(text.substr(from, end - from), tables()) << "README_WRITE=1 nats_test --gtest_filter=Readme.* writes them";
}

}  // namespace
}  // namespace ruststream::nats
