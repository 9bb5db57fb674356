/// Option names that mean the same in every plugin. A plugin declares those that it has; it gives none another meaning.
#ifndef RUSTSTREAM_ABI_OPTION_NAMES_H
#define RUSTSTREAM_ABI_OPTION_NAMES_H

#include "basics.h"

#define RST_OPT_URL "url"
#define RST_OPT_USER "user"
#define RST_OPT_PASSWORD "password"
#define RST_OPT_TOKEN "token"
#define RST_OPT_TLS "tls" /* one of the three below */
#define RST_OPT_TLS_OFF "off"
#define RST_OPT_TLS_ON "on"
#define RST_OPT_TLS_VERIFY "verify"
#define RST_OPT_TLS_CA "tls.ca"
#define RST_OPT_TLS_CERT "tls.cert"
#define RST_OPT_TLS_KEY "tls.key"
#define RST_OPT_TLS_SERVER_NAME "tls.server_name"
#define RST_OPT_CLIENT_NAME "client_name"
#define RST_OPT_CONNECT_TIMEOUT "connect_timeout"
#define RST_OPT_OP_TIMEOUT "op_timeout"
#define RST_OPT_RECONNECT_DELAY "reconnect.delay"
#define RST_OPT_RECONNECT_MAX_DELAY "reconnect.max_delay"
#define RST_OPT_RECONNECT_AUTH_ATTEMPTS "reconnect.auth_attempts"
#define RST_OPT_KEEPALIVE "keepalive"
#define RST_OPT_MAX_PAYLOAD "max_payload"

#endif
