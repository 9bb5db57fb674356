/* A message as a file: README.md has the format. No thread, no directory, no host here. */
#ifndef DIR_MESSAGE_H
#define DIR_MESSAGE_H

#include <ruststream/abi.h>

enum {
  kMostPayload = 16 << 20, /* bytes; declared as MAX_PAYLOAD */
  kMostHead = 1 << 20,     /* bytes of a file before its payload */
  kPad = 64                /* readable bytes behind a payload (M5) */
};

/* What a delivered message points into. */
struct stored {
  char* file; /* its bytes, then kPad zeros */
  rst_header* headers;
  rst_message_meta meta;
};

/* The file for a message, to be freed; NULL with *code = RST_E_TOO_LARGE, RST_E_UNSUPPORTED, RST_E_INVALID (a header
   that is not as long as its type) or RST_E_INTERNAL.
   What is read of `message` and its props must be there (V3). */
char* message_encode(const rst_out_message* message, size_t* size, int32_t* code);

/* Makes of the `size` bytes at stored->file a message that points into them. *time_ns is left alone where the file has
   no time. Returns 0, EBADMSG (it is no such file) or ENOMEM. */
int message_decode(struct stored* stored, size_t size, rst_message* message, int64_t* time_ns);

/* %XX in place; the new length, or UINT32_MAX where a % has no two digits behind it. */
uint32_t text_unescape(char* text, const char* end);

void message_free(struct stored* stored);

#endif
