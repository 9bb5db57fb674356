/* Errors and log lines. */
#include "broker.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int32_t failed(rst_error* error, int32_t code, uint32_t flags, const char* format, ...) {
  if (error == NULL) return -code;
  *error = (rst_error){.code = code, .flags = flags};
  va_list arguments;
  va_start(arguments, format);
  const int len = vsnprintf(error->text, sizeof error->text, format, arguments);
  va_end(arguments);
  const int most = (int)sizeof error->text - 1;
  error->text_len = (uint16_t)(len < 0 ? 0 : len < most ? len : most);
  while (error->text_len > 0 && len > most && (error->text[error->text_len - 1] & 0x80) != 0) --error->text_len;
  return -code;
}

int32_t status_of(int error, uint32_t flags) {
  switch (error) {
    case 0: return RST_OK;
    case ENOENT:
    case ENOTDIR: return rst_status(RST_E_NOT_FOUND, flags);
    case EACCES:
    case EPERM:
    case EROFS: return rst_status(RST_E_DENIED, flags);
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE: return rst_status(RST_E_EXHAUSTED, flags | RST_ERROR_RETRYABLE);
    default: return rst_status(RST_E_UNAVAILABLE, flags | RST_ERROR_RETRYABLE);
  }
}

const char* text_of(int error) {
  return error == EBUSY ? "another process holds `lock` and does not go on" : strerror(error);
}

void log_line(const struct instance* instance, uint32_t level, const struct object* about, const char* format, ...) {
  if (__atomic_load_n(instance->host->log_level, __ATOMIC_RELAXED) < level) return;
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  const int len = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  const rst_log line = {.struct_size = sizeof line,
                        .level = level,
                        .connection = about->connection->object.id,
                        .subject = about->what == kConnection ? 0 : about->id,
                        .target = {"dir", 3},
                        .text = {text, len < 0                  ? 0
                                       : len < (int)sizeof text ? (uint64_t)len
                                                                : sizeof text - 1}};
  instance->host->log(instance->host, &line);
}
