// What tests of NATS build on.
#include "nats_server.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <sys/socket.h>

namespace {

using ruststream::testing::NatsServer;

/// The server's first line; empty when nobody listens.
std::string greeting(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(static_cast<std::uint16_t>(port));
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  char buffer[4096];
  ssize_t got = 0;
  if (connect(fd, reinterpret_cast<sockaddr*>(&place), sizeof place) == 0) got = read(fd, buffer, sizeof buffer);
  close(fd);
  return {buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(NatsServer, OffersJetStreamUntilItIsStopped) {
  pid_t pid = 0;
  int port = 0;
  {
    const NatsServer server;
    pid = server.pid();
    port = server.port();
    EXPECT_NE(greeting(port).find(R"("jetstream":true)"), std::string::npos);
  }
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
  EXPECT_EQ(greeting(port), "");
}

TEST(NatsServer, ComesBackAtItsPortAfterACrash) {
  NatsServer server;
  const int port = server.port();
  server.stop(SIGKILL);
  EXPECT_EQ(server.pid(), 0);
  EXPECT_EQ(greeting(port), "");
  server.start();
  EXPECT_EQ(server.port(), port);
  EXPECT_NE(greeting(port), "");
}

TEST(NatsServer, AsksForWhatItsConfigurationNames) {
  const NatsServer tls("tls { cert_file: server.pem, key_file: server.key, ca_file: ca.pem, verify: true }",
                       {"--certificates"});
  EXPECT_NE(greeting(tls.port()).find(R"("tls_required":true)"), std::string::npos);
  EXPECT_NE(content(tls.folder() + "/client.pem"), "");
  const NatsServer operated("include resolver.conf", {"--credentials"});
  EXPECT_NE(greeting(operated.port()).find(R"("nonce":)"), std::string::npos);
  EXPECT_NE(content(operated.folder() + "/user.creds"), "");
}

}  // namespace
