// What is written about the declarations elsewhere agrees with them: the builder's words, the tables of the README.
// README_WRITE=1 writes the tables anew.
#include "declarations.hpp"

#include <ruststream/nats.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
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

std::string tables() {
  std::ostringstream out;
  out << "| kind | what it is |\n|---|---|\n";
  for (const rst_kind& each : kKindTable)
    out << "| `" << sdk::view(each.name) << "` | " << sdk::view(each.doc) << " |\n";
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
