// Options of a connection, whatever the kinds on it.
#pragma once

#include "time.hpp"

#include <ruststream/abi/option_names.h>
#include <ruststream/sdk.hpp>

#include <array>

namespace ruststream::nats {

namespace sdk = ruststream::sdk;

inline constexpr rst_str kTlsChoices[] = {sdk::rst(RST_OPT_TLS_OFF), sdk::rst(RST_OPT_TLS_ON),
                                          sdk::rst(RST_OPT_TLS_VERIFY)};

inline constexpr std::array kConnectionOptions{
    sdk::option(RST_OPT_USER, RST_TYPE_STRING, RST_SCOPE_CONNECTION, "user name, wins over the URL's"),
    sdk::option(RST_OPT_PASSWORD, RST_TYPE_STRING, RST_SCOPE_CONNECTION, "of the user").secret(),
    sdk::option(RST_OPT_TOKEN, RST_TYPE_STRING, RST_SCOPE_CONNECTION, "authentication token, wins over the URL's")
        .secret(),
    sdk::option("creds", RST_TYPE_PATH, RST_SCOPE_CONNECTION, "credentials file (JWT and seed), read at each connect"),
    sdk::option("nkey", RST_TYPE_STRING, RST_SCOPE_CONNECTION, "public NKey, with `nkey.seed`"),
    sdk::option("nkey.seed", RST_TYPE_PATH, RST_SCOPE_CONNECTION, "file with the NKey's seed, read at each connect"),
    sdk::option(
        RST_OPT_TLS, RST_TYPE_ENUM, RST_SCOPE_CONNECTION,
        "off: plain; on: encrypted, whoever it is; verify: encrypted, certificate and name checked; a tls:// URL "
        "means verify")
        .defaults(RST_OPT_TLS_OFF)
        .one_of(kTlsChoices),
    sdk::option(RST_OPT_TLS_CA, RST_TYPE_PATH, RST_SCOPE_CONNECTION, "trusted CA certificates, PEM; else the system's"),
    sdk::option(RST_OPT_TLS_CERT, RST_TYPE_PATH, RST_SCOPE_CONNECTION, "client certificate chain, PEM, with `tls.key`"),
    sdk::option(RST_OPT_TLS_KEY, RST_TYPE_PATH, RST_SCOPE_CONNECTION, "private key of the client certificate, PEM"),
    sdk::option(RST_OPT_TLS_SERVER_NAME, RST_TYPE_STRING, RST_SCOPE_CONNECTION,
                "name that the server's certificate must have; else the URL's host"),
    sdk::option(RST_OPT_CLIENT_NAME, RST_TYPE_STRING, RST_SCOPE_CONNECTION,
                "name shown by the server's monitoring; else the host's"),
    sdk::option(RST_OPT_CONNECT_TIMEOUT, RST_TYPE_DURATION, RST_SCOPE_CONNECTION, "of one attempt with one server")
        .defaults("2s")
        .range(1'000'000, kLongestWait.count())
        .unit(RST_UNIT_SECOND),
    sdk::option(RST_OPT_OP_TIMEOUT, RST_TYPE_DURATION, RST_SCOPE_CONNECTION, "of an operation that names none")
        .defaults("5s")
        .range(1'000'000, kLongestWait.count())
        .unit(RST_UNIT_SECOND),
    sdk::option(RST_OPT_RECONNECT_DELAY, RST_TYPE_DURATION, RST_SCOPE_CONNECTION,
                "before the first attempt after a loss; doubled each time, drawn between half and whole")
        .defaults("100ms")
        .range(1'000'000, kLongestWait.count())
        .unit(RST_UNIT_SECOND),
    sdk::option(RST_OPT_RECONNECT_MAX_DELAY, RST_TYPE_DURATION, RST_SCOPE_CONNECTION, "longest between two attempts")
        .defaults("2s")
        .range(1'000'000, kLongestWait.count())
        .unit(RST_UNIT_SECOND),
    sdk::option(RST_OPT_RECONNECT_AUTH_ATTEMPTS, RST_TYPE_U64, RST_SCOPE_CONNECTION,
                "attempts in a row whose credentials are refused; then the connection fails for good")
        .defaults("3")
        .range(1, 1'000),
    sdk::option(RST_OPT_KEEPALIVE, RST_TYPE_DURATION, RST_SCOPE_CONNECTION,
                "how often the server is asked for life; two silences are a loss")
        .defaults("30s")
        .range(10'000'000, kLongestWait.count())
        .unit(RST_UNIT_SECOND),
    sdk::option(RST_OPT_MAX_PAYLOAD, RST_TYPE_SIZE, RST_SCOPE_CONNECTION,
                "largest message that may be published, where the server allows more; 0: what the server allows")
        .defaults("0")
        .range(0, 64 << 20)
        .unit(RST_UNIT_BYTE),
    sdk::option("reconnect.buffer", RST_TYPE_SIZE, RST_SCOPE_CONNECTION,
                "bytes of published messages that wait for a lost connection to come back; then publishers wait")
        .defaults("8MiB")
        .range(1, 1 << 30)
        .unit(RST_UNIT_BYTE),
    sdk::option("write_buffer", RST_TYPE_SIZE, RST_SCOPE_CONNECTION,
                "bytes of published messages that wait for the socket; then publishers wait")
        .defaults("1MiB")
        .range(1, 1 << 30)
        .unit(RST_UNIT_BYTE),
    sdk::option("no_echo", RST_TYPE_BOOL, RST_SCOPE_CONNECTION,
                "the server does not deliver what this connection itself publishes")
        .defaults("false"),
    sdk::option("discover", RST_TYPE_BOOL, RST_SCOPE_CONNECTION,
                "reconnect to servers of the cluster that the URL does not name, too")
        .defaults("true"),
    sdk::option("randomize", RST_TYPE_BOOL, RST_SCOPE_CONNECTION, "try the servers in random order").defaults("true"),
    sdk::option("inbox_prefix", RST_TYPE_STRING, RST_SCOPE_CONNECTION,
                "first tokens of reply subjects: what permissions allow to subscribe to")
        .defaults("_INBOX"),
};

}  // namespace ruststream::nats
