// Connections to real servers: who they let in, what is said when they do not, and how a lost one comes back.
#include "test_host.hpp"

#include <chrono>
#include <fstream>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace ruststream::nats::test {
namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t kMillisecond = 1'000'000;

struct Entry {
  const char* what;
  const char* config;
  std::vector<std::string> server_options;
  OptionList options;     // FOLDER in a value is the server's; an nkey is read from there
  std::int32_t code = 0;  // of connect
  const char* text = "";  // in its error
};

std::string filled(std::string text, const std::string& folder) {
  for (auto at = text.find("FOLDER"); at != std::string::npos; at = text.find("FOLDER")) text.replace(at, 6, folder);
  return text;
}

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest's name
void PrintTo(const Entry& entry, std::ostream* out) { *out << entry.what; }

struct Greeting : ::testing::TestWithParam<Entry> {};

TEST_P(Greeting, LetsInOrSaysWhyNot) {
  const Entry& entry = GetParam();
  const NatsServer server(entry.config, entry.server_options);
  OptionList options = entry.options;
  for (auto& [name, value] : options) {
    if (auto* const text = std::get_if<std::string>(&value)) *text = filled(*text, server.folder());
    if (name == "nkey") value = contents(std::get<std::string>(value));
  }
  Client client;
  const Outcome outcome = client.connect(server.url(), options);
  EXPECT_EQ(outcome.code, entry.code) << outcome.text;
  EXPECT_NE(outcome.text.find(filled(entry.text, server.folder())), std::string::npos) << outcome.text;
  EXPECT_EQ(outcome.text.find("sekret"), std::string::npos) << outcome.text;
  if (!outcome.ok()) return;
  const auto in = client.listen("s");
  for (int i = 0; i < 10; ++i) {  // the I/O thread has opened a publisher, and is not asleep yet
    client.publish(client.publisher("s"), {std::string(1U << 20U, 'x')});
    const auto got = client.host.take(in.id, 1);
    ASSERT_EQ(got.size(), 1U) << "message " << i;
    EXPECT_EQ(got[0].payload.size(), 1U << 20U);
  }
}

constexpr const char* kUsers = "authorization { users: [ { user: u, password: sekret } ] }";
constexpr const char* kToken = "authorization { token: sekret }";
constexpr const char* kTls = "tls { cert_file: server.pem, key_file: server.key }";
constexpr const char* kMutual = "tls { cert_file: server.pem, key_file: server.key, ca_file: ca.pem, verify: true }";
constexpr const char* kBadName = "tls { cert_file: badname.pem, key_file: badname.key }";
constexpr const char* kExpired = "tls { cert_file: expired.pem, key_file: expired.key }";
const std::vector<std::string> kCertificates = {"--certificates"};
const std::vector<std::string> kCredentials = {"--credentials"};
const OptionList kVerify = {{"tls", "verify"}, {"tls.ca", "FOLDER/ca.pem"}, {"tls.server_name", "localhost"}};

OptionList with(OptionList options, const OptionList& more) {
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

INSTANTIATE_TEST_SUITE_P(
    Nats, Greeting,
    ::testing::Values(
        Entry{"user", kUsers, {}, {{"user", "u"}, {"password", "sekret"}}},
        Entry{
            "wrong password", kUsers, {}, {{"user", "u"}, {"password", "sekret?"}}, RST_E_UNAUTHENTICATED, "127.0.0.1"},
        Entry{"no credentials", kUsers, {}, {}, RST_E_UNAUTHENTICATED, "uthorization"},
        Entry{"token", kToken, {}, {{"token", "sekret"}}},
        Entry{"wrong token", kToken, {}, {{"token", "sekrets"}}, RST_E_UNAUTHENTICATED, "uthorization"},
        Entry{"creds", "include resolver.conf", kCredentials, {{"creds", "FOLDER/user.creds"}}},
        Entry{"expired creds",
              "include resolver.conf",
              kCredentials,
              {{"creds", "FOLDER/expired.creds"}},
              RST_E_UNAUTHENTICATED,
              "uthorization"},
        Entry{"no such creds",
              "include resolver.conf",
              kCredentials,
              {{"creds", "FOLDER/nobody.creds"}},
              RST_E_NOT_FOUND,
              "nobody.creds"},
        Entry{"nkey",
              "include nkey.conf",
              kCredentials,
              {{"nkey", "FOLDER/user.public"}, {"nkey.seed", "FOLDER/user.seed"}}},
        Entry{"tls", kTls, kCertificates, kVerify}, Entry{"tls, whoever it is", kTls, kCertificates, {{"tls", "on"}}},
        Entry{"tls, unknown authority",
              kTls,
              kCertificates,
              {{"tls", "verify"}, {"tls.ca", "FOLDER/other-ca.pem"}, {"tls.server_name", "localhost"}},
              RST_E_UNAVAILABLE,
              "unable to get local issuer certificate"},
        Entry{"tls, another name", kBadName, kCertificates, kVerify, RST_E_UNAVAILABLE, "hostname mismatch"},
        Entry{"tls, expired", kExpired, kCertificates, kVerify, RST_E_UNAVAILABLE, "certificate has expired"},
        Entry{"tls wanted, server has none", "", kCertificates, {{"tls", "on"}}, RST_E_UNAVAILABLE, "ecure"},
        Entry{"plain, server wants tls", kTls, kCertificates, {}, RST_E_UNAVAILABLE, "`tls`"},
        Entry{"mutual tls", kMutual, kCertificates,
              with(kVerify, {{"tls.cert", "FOLDER/client.pem"}, {"tls.key", "FOLDER/client.key"}})},
        Entry{"mutual tls, no certificate", kMutual, kCertificates, kVerify, RST_E_UNAVAILABLE, "`tls.cert`"},
        Entry{"no such authority",
              kTls,
              kCertificates,
              {{"tls", "on"}, {"tls.ca", "FOLDER/nobody.pem"}},
              RST_E_NOT_FOUND,
              "nobody.pem"}),
    [](const auto& entry) {
      std::string name;
      for (const char* at = entry.param.what; *at != 0; ++at)
        name += std::isalpha(static_cast<unsigned char>(*at)) != 0 ? *at : '_';
      return name;
    });

/// A port on which nobody listens.
int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) throw std::runtime_error("no socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  (void)::bind(socket, reinterpret_cast<sockaddr*>(&address), size);
  (void)::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(socket);
  return ntohs(address.sin_port);
}

const OptionList kQuick = {{"keepalive", 200 * kMillisecond},
                           {"reconnect.delay", 20 * kMillisecond},
                           {"reconnect.max_delay", 100 * kMillisecond},
                           {"connect_timeout", 1000 * kMillisecond}};

TEST(Connection, NamesTheServerThatIsNotThere) {
  Client client;
  const std::string port = std::to_string(free_port());
  const Outcome outcome = client.connect("nats://127.0.0.1:" + port);
  EXPECT_EQ(outcome.code, RST_E_UNAVAILABLE);
  EXPECT_NE(outcome.flags & RST_ERROR_RETRYABLE, 0U);
  EXPECT_NE(outcome.text.find("127.0.0.1:" + port), std::string::npos) << outcome.text;
}

TEST(Connection, TakesTheServerThatAnswers) {
  const NatsServer server;
  Client client;
  const std::string dead = "127.0.0.1:" + std::to_string(free_port());
  const Outcome outcome =
      client.connect("nats://" + dead + ",127.0.0.1:" + std::to_string(server.port()), {{"randomize", false}});
  EXPECT_TRUE(outcome.ok()) << outcome.text;
}

TEST(Connection, ComesBackWithItsSubscriptionsAndWhatWasPublishedMeanwhile) {
  NatsServer server;
  Client client;
  ASSERT_TRUE(client.connect(server.url(), kQuick).ok());
  const auto in = client.listen("s");
  const auto out = client.publisher("s");
  client.host.await_event(RST_EVENT_CONN_UP);
  server.stop(SIGKILL);
  client.host.await_event(RST_EVENT_CONN_DOWN);
  client.host.await_event(RST_EVENT_CONN_RETRYING);
  std::jthread publishes([&] { EXPECT_TRUE(client.publish(out, {"meanwhile"}, 9000 * kMillisecond).ok()); });
  server.start();
  client.host.await_event(RST_EVENT_SUB_UP, in.id);
  publishes.join();
  client.publish(out, {"after"});
  const auto got = client.host.take(in.id, 2);
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].payload, "meanwhile");
  EXPECT_EQ(got[1].payload, "after");
}

TEST(Connection, FailsWhatWaitsTooLongForTheServer) {
  NatsServer server;
  Client client;
  ASSERT_TRUE(client.connect(server.url(), kQuick).ok());
  const auto out = client.publisher("s");
  client.host.await_event(RST_EVENT_CONN_UP);
  server.stop(SIGKILL);
  client.host.await_event(RST_EVENT_CONN_DOWN);
  const Outcome outcome = client.publish(out, {"x"}, 100 * kMillisecond);
  EXPECT_EQ(outcome.code, RST_E_TIMEOUT);
  EXPECT_EQ(outcome.flags, RST_ERROR_RETRYABLE);
  EXPECT_EQ(client.flush(out.handle, 100 * kMillisecond).code, RST_E_TIMEOUT);
}

TEST(Connection, NoticesAServerThatIsSilentAndWaitsForItInNoVerb) {
  NatsServer server;
  Client client;
  ASSERT_TRUE(client.connect(server.url(), with(kQuick, {{"write_buffer", std::uint64_t{1} << 30}})).ok());
  const auto out = client.publisher("s");
  client.host.await_event(RST_EVENT_CONN_UP);
  server.signal(SIGSTOP);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 32; ++i) client.publish(out, {std::string(512 * 1024, 'x')}, 50 * kMillisecond);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 8s);
  client.host.await_event(RST_EVENT_CONN_DOWN);
  server.signal(SIGCONT);
  client.host.await_event(RST_EVENT_CONN_UP);
}

TEST(Connection, LeavesAServerThatTakesNothingOfALongMessage) {
  NatsServer server(std::string("max_payload: 8388608\n") + kTls, kCertificates);
  Client client;
  const OptionList options = {{"tls", "on"}, {"reconnect.buffer", std::uint64_t{16} << 20}};
  ASSERT_TRUE(client.connect(server.url(), with(kQuick, options)).ok());
  client.host.await_event(RST_EVENT_CONN_UP);
  server.signal(SIGSTOP);
  client.publish(client.publisher("s"), {std::string(8'000'000, 'x')});
  EXPECT_EQ(client.host.await_event(RST_EVENT_CONN_DOWN).kind, RST_EVENT_CONN_DOWN);
  server.signal(SIGCONT);
  EXPECT_EQ(client.host.await_event(RST_EVENT_CONN_UP).kind, RST_EVENT_CONN_UP);
}

TEST(Connection, TellsOfNoLossWhereItIsClosed) {
  const NatsServer server;
  Client client;
  for (const std::uint32_t flags : {0U, std::uint32_t{RST_CLOSE_ABORT}}) {
    ASSERT_TRUE(client.connect(server.url(), kQuick).ok());
    client.publish(client.publisher("s"), {"x"});
    EXPECT_TRUE(client.close(client.connection, flags).ok());
  }
  for (const Event& each : client.host.take_events()) EXPECT_NE(each.kind, RST_EVENT_CONN_DOWN);
}

TEST(Connection, StopsTryingCredentialsThatAreRefusedForGood) {
  NatsServer server(kUsers);
  Client client;
  ASSERT_TRUE(client.connect(server.url(), with(kQuick, {{"user", "u"}, {"password", "sekret"}})).ok());
  client.host.await_event(RST_EVENT_CONN_UP);
  server.stop();
  std::ofstream(server.folder() + "/server.conf") << "authorization { users: [ { user: u, password: other } ] }\n";
  server.start();
  const Event failed = client.host.await_event(RST_EVENT_CONN_FAILED);
  EXPECT_EQ(failed.code, RST_E_UNAUTHENTICATED) << failed.text;
  EXPECT_NE(client.listen("t").outcome.code, 0);
  EXPECT_EQ(client.publish(client.publisher("t"), {"x"}).code, RST_E_UNAVAILABLE);
}

/// cnats alone fails with one of 256.
TEST(Connection, ComesInWhateverItsSignatureIs) {
  constexpr int kLogins = 800;
  const NatsServer server("include resolver.conf", kCredentials);
  Client client;
  for (int i = 0; i < kLogins; ++i) {
    const Outcome outcome = client.connect(server.url(), {{"creds", server.folder() + "/user.creds"}});
    ASSERT_TRUE(outcome.ok()) << "login " << i << ": " << outcome.text;
    ASSERT_TRUE(client.close(client.connection, RST_CLOSE_ABORT).ok());
  }
}

TEST(Connection, SaysThatTheServerLeaves) {
  NatsServer server("lame_duck_grace_period: \"1s\"\nlame_duck_duration: \"30s\"");
  Client client;
  ASSERT_TRUE(client.connect(server.url(), kQuick).ok());
  client.host.await_event(RST_EVENT_CONN_UP);
  server.signal(SIGUSR2);
  client.host.await_event(RST_EVENT_CONN_LEAVING);
  client.host.await_event(RST_EVENT_CONN_DOWN);
}

TEST(Connection, GoesToAServerThatTheClusterToldOf) {
  const int one = free_port();
  const int two = free_port();
  const auto config = [&](const std::string& name, int own, int other) {
    return "server_name: " + name + "\ncluster { name: c, listen: \"127.0.0.1:" + std::to_string(own) +
           "\", routes: [\"nats://127.0.0.1:" + std::to_string(other) + "\"] }";
  };
  NatsServer first(config("one", one, two), {"--no-jetstream"});
  const NatsServer second(config("two", two, one), {"--no-jetstream"});
  const std::string there = "127.0.0.1:" + std::to_string(second.port());
  for (const auto until = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < until;) {
    if (contents(first.folder() + "/server.log").find("Route connection created") != std::string::npos) break;
    std::this_thread::sleep_for(20ms);
  }
  Client client;
  ASSERT_TRUE(client.connect(first.url(), kQuick).ok());
  client.host.await_event(RST_EVENT_CONN_UP);
  client.host.take_events();
  first.stop(SIGKILL);
  EXPECT_EQ(client.host.await_event(RST_EVENT_CONN_UP).text, there);
}

}  // namespace
}  // namespace ruststream::nats::test
