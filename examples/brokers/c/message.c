#include "message.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char kMagic[] = "dir1 ";

/* Whether the value has the length of its type. */
static bool fits(const rst_header* header) {
  switch (header->type) {
    case RST_HEADER_NULL: return header->value_len == 0;
    case RST_HEADER_BOOL: return header->value_len == 1;
    case RST_HEADER_I64:
    case RST_HEADER_F64:
    case RST_HEADER_TIME_MS: return header->value_len == 8;
    default: return true;
  }
}

/* ------------------------------------------------------------------ writing */

static char* put_escaped(char* out, const void* bytes, size_t len) {
  static const char kHex[] = "0123456789ABCDEF";
  const unsigned char* from = bytes;
  for (size_t i = 0; i < len; ++i) {
    const unsigned char c = from[i];
    if (c > ' ' && c < 0x7F && c != '%' && c != ':' && c != '=') {
      *out++ = (char)c;
    } else {
      *out++ = '%';
      *out++ = kHex[c >> 4];
      *out++ = kHex[c & 15];
    }
  }
  return out;
}

static char* put_field(char* out, const char* name, const void* bytes, size_t len) {
  if (bytes == NULL) return out;
  out += sprintf(out, "%s=", name);
  out = put_escaped(out, bytes, len);
  *out++ = '\n';
  return out;
}

static char* put_header(char* out, const rst_header* header) {
  *out++ = '.';
  out = put_escaped(out, header->name, header->name_len);
  if (header->type != RST_HEADER_BYTES) out += sprintf(out, ":%d", header->type);
  *out++ = '=';
  out = put_escaped(out, header->value, header->value_len);
  *out++ = '\n';
  return out;
}

/* At most this many bytes before the payload: an escaped byte takes three. */
static size_t head_bound(const rst_out_message* message) {
  const rst_out_props* props = message->props;
  size_t bytes = message->key_len;
  if (props != NULL) {
    bytes += (size_t)props->reply_to_len + props->correlation_len + props->message_id_len + props->content_type_len;
  }
  for (uint32_t i = 0; i < message->header_count; ++i) {
    bytes += (size_t)message->headers[i].name_len + message->headers[i].value_len + 4;
  }
  return 3 * bytes + 256; /* the first line and the names of fields */
}

static int32_t refusal(const rst_out_message* message) {
  const rst_out_props* props = message->props;
  if ((message->flags & ~(RST_OUT_NULL_PAYLOAD | RST_OUT_MANDATORY)) != 0) return RST_E_UNSUPPORTED;
  for (uint32_t i = 0; i < message->header_count; ++i) {
    if (message->headers[i].type > RST_HEADER_NATIVE || message->headers[i].flags != 0) return RST_E_UNSUPPORTED;
    if (!fits(&message->headers[i])) return RST_E_INVALID;
  }
  if (props != NULL && (props->priority >= 0 || props->ttl_ns != 0 || props->delay_ns != 0 || props->partition >= 0 ||
                        props->option_count != 0)) {
    return RST_E_UNSUPPORTED;
  }
  if (message->payload_len > kMostPayload || head_bound(message) > kMostHead) return RST_E_TOO_LARGE;
  return RST_OK;
}

char* message_encode(const rst_out_message* message, size_t* size, int32_t* code) {
  const rst_out_props* props = message->props;
  *code = refusal(message);
  if (*code != RST_OK) return NULL;
  char* const file = malloc(head_bound(message) + message->payload_len);
  if (file == NULL) {
    *code = RST_E_INTERNAL;
    return NULL;
  }
  char* out = file + sprintf(file, "%s%llu\n", kMagic, (unsigned long long)message->payload_len);
  if ((message->flags & RST_OUT_NULL_PAYLOAD) != 0) out = put_field(out, "null", "", 0);
  out = put_field(out, "key", message->key, message->key_len);
  if (props != NULL) {
    out = put_field(out, "reply-to", props->reply_to, props->reply_to_len);
    out = put_field(out, "correlation", props->correlation, props->correlation_len);
    out = put_field(out, "message-id", props->message_id, props->message_id_len);
    out = put_field(out, "content-type", props->content_type, props->content_type_len);
    if (props->timestamp_ns != 0) out += sprintf(out, "time=%lld\n", (long long)props->timestamp_ns);
  }
  for (uint32_t i = 0; i < message->header_count; ++i) out = put_header(out, &message->headers[i]);
  *out++ = '\n';
  if (message->payload_len != 0) memcpy(out, message->payload, message->payload_len);
  *size = (size_t)(out - file) + message->payload_len;
  return file;
}

/* ------------------------------------------------------------------ reading */

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

uint32_t text_unescape(char* text, const char* end) {
  char* out = text;
  for (const char* in = text; in < end; ++out) {
    if (*in != '%') {
      *out = *in++;
      continue;
    }
    if (end - in < 3 || hex(in[1]) < 0 || hex(in[2]) < 0) return UINT32_MAX;
    *out = (char)(hex(in[1]) << 4 | hex(in[2]));
    in += 3;
  }
  return (uint32_t)(out - text);
}

static bool is(const char* name, const char* end, const char* wanted) {
  return (size_t)(end - name) == strlen(wanted) && memcmp(name, wanted, strlen(wanted)) == 0;
}

/* ".NAME[:TYPE]=VALUE", behind the dot. */
static bool read_header(rst_header* header, char* name, char* equals, const char* end) {
  char* const colon = memchr(name, ':', (size_t)(equals - name));
  header->type = RST_HEADER_BYTES;
  if (colon != NULL) {
    if (equals - colon != 2 || colon[1] < '1' || colon[1] > '0' + RST_HEADER_NATIVE) return false;
    header->type = (uint8_t)(colon[1] - '0');
  }
  const uint32_t name_len = text_unescape(name, colon != NULL ? colon : equals);
  header->value_len = text_unescape(equals + 1, end);
  if (name_len > UINT16_MAX || header->value_len == UINT32_MAX) return false;
  header->name = name;
  header->name_len = (uint16_t)name_len;
  header->value = header->type == RST_HEADER_NULL ? NULL : (const uint8_t*)equals + 1;
  return fits(header);
}

/* One line, up to but not with its newline. A field that nobody knows is left alone. */
static bool read_field(struct stored* stored, char* line, const char* end, rst_message* message, int64_t* time_ns) {
  rst_message_meta* const meta = &stored->meta;
  char* const equals = memchr(line, '=', (size_t)(end - line));
  if (equals == NULL) return false;
  if (*line == '.') {
    if (stored->headers == NULL || message->header_count == UINT16_MAX) return false;
    rst_header* const header = &stored->headers[message->header_count];
    ++message->header_count;
    return read_header(header, line + 1, equals, end);
  }
  char* const value = equals + 1;
  const uint32_t len = text_unescape(value, end);
  if (len == UINT32_MAX) return false;
  if (is(line, equals, "key")) {
    message->key = (const uint8_t*)value;
    message->key_len = len;
  } else if (is(line, equals, "null")) {
    message->flags |= RST_MESSAGE_NULL_PAYLOAD;
  } else if (is(line, equals, "time")) {
    *time_ns = strtoll(value, NULL, 10);
  } else if (is(line, equals, "reply-to")) {
    meta->reply_to = (const uint8_t*)value;
    meta->reply_to_len = len;
  } else if (is(line, equals, "correlation")) {
    meta->correlation = (const uint8_t*)value;
    meta->correlation_len = len;
  } else if (is(line, equals, "message-id")) {
    meta->message_id = (const uint8_t*)value;
    meta->message_id_len = len;
  } else if (is(line, equals, "content-type")) {
    meta->content_type = value;
    meta->content_type_len = len;
  }
  return true;
}

int message_decode(struct stored* stored, size_t size, rst_message* message, int64_t* time_ns) {
  const size_t magic = sizeof kMagic - 1;
  char* const file = stored->file;
  char* const blank = memmem(file, size, "\n\n", 2); /* escaped as they are, no field has one */
  if (blank == NULL || size < magic || memcmp(file, kMagic, magic) != 0) return EBADMSG;
  char* first = NULL;
  message->payload_len = strtoull(file + magic, &first, 10);
  message->payload = (const uint8_t*)blank + 2;
  if (first > blank || *first != '\n' || message->payload_len != (size_t)(file + size - (blank + 2)))
    return EBADMSG; /* cut off */

  size_t headers = 0;
  for (const char* at = first; at < blank; ++at) headers += at[0] == '\n' && at[1] == '.';
  stored->meta = (rst_message_meta){.struct_size = sizeof(rst_message_meta)};
  stored->headers = headers == 0 ? NULL : calloc(headers, sizeof(rst_header));
  if (headers != 0 && stored->headers == NULL) return ENOMEM;
  message->flags = RST_MESSAGE_PADDED;
  for (char* line = first + 1; line < blank;) {
    char* const end = memchr(line, '\n', (size_t)(blank + 1 - line));
    if (!read_field(stored, line, end, message, time_ns)) return EBADMSG;
    line = end + 1;
  }
  message->headers = stored->headers;
  message->meta = &stored->meta;
  return 0;
}

void message_free(struct stored* stored) {
  free(stored->file);
  free(stored->headers);
}
