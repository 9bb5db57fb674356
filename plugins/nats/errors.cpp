#include "errors.hpp"

namespace ruststream::nats {

Meaning meaning_of(natsStatus status) noexcept {
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED: return {RST_E_UNAUTHENTICATED, RST_ERROR_AUTH | RST_ERROR_USER};
    case NATS_NOT_PERMITTED: return {RST_E_DENIED, RST_ERROR_AUTH | RST_ERROR_USER};
    case NATS_SECURE_CONNECTION_WANTED:
    case NATS_SECURE_CONNECTION_REQUIRED:
    case NATS_SSL_ERROR: return {RST_E_UNAVAILABLE, RST_ERROR_USER};
    case NATS_TIMEOUT: return {RST_E_TIMEOUT, RST_ERROR_RETRYABLE};
    case NATS_MAX_PAYLOAD: return {RST_E_TOO_LARGE, RST_ERROR_USER};
    case NATS_NO_MEMORY: return {RST_E_EXHAUSTED, 0};
    case NATS_PROTOCOL_ERROR:
    case NATS_LINE_TOO_LONG: return {RST_E_CORRUPT, RST_ERROR_RETRYABLE};
    case NATS_INVALID_ARG:
    case NATS_INVALID_SUBJECT:
    case NATS_INVALID_QUEUE_NAME:
    case NATS_ADDRESS_MISSING: return {RST_E_INVALID, RST_ERROR_USER};
    case NATS_NO_SERVER_SUPPORT: return {RST_E_UNSUPPORTED, 0};
    case NATS_NO_RESPONDERS: return {RST_E_NO_ROUTE, RST_ERROR_RETRYABLE};
    default: return {RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE};
  }
}

namespace {

/// cnats puts "(FILE:LINE): " in front of its texts.
std::string_view without_place(std::string_view text) noexcept {
  const auto end = text.find("): ");
  return text.starts_with('(') && end != std::string_view::npos ? text.substr(end + 3) : text;
}

}  // namespace

rst_error error_of(natsStatus status, std::string_view what, std::string_view text) noexcept {
  const auto [code, flags] = meaning_of(status);
  rst_error error =
      make_error(code, flags, what, ": ", text.empty() ? natsStatus_GetText(status) : without_place(text));
  error.native = status;
  return error;
}

}  // namespace ruststream::nats
