/// The note: lets a host list a folder without running code from it.
///
/// ELF: section `.note.ruststream`, note name "RUSTSTREAM", type 1. PE: section `.rstnote`. Both hold the same
/// descriptor: an rst_note, directly behind it the bytes of name, version and schemes (comma-separated), zeros to a
/// multiple of 4.
#ifndef RUSTSTREAM_ABI_NOTE_H
#define RUSTSTREAM_ABI_NOTE_H

#include "basics.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RST_NOTE_ELF_SECTION ".note.ruststream"
#define RST_NOTE_PE_SECTION ".rstnote"
#define RST_NOTE_NAME "RUSTSTREAM"
#define RST_NOTE_TYPE 1

/// The fixed part of the descriptor; values as in rst_plugin.
typedef struct rst_note {
  uint32_t size; /* of the whole descriptor, texts and zeros included */
  uint16_t abi_major;
  uint16_t abi_minor;
  uint32_t runtime;
  uint16_t name_len;
  uint16_t version_len;
  uint16_t schemes_len;
  uint16_t reserved;
} rst_note;
RST_ASSERT_SIZE(rst_note, 20);
RST_ASSERT_OFFSET(rst_note, abi_major, 4);
RST_ASSERT_OFFSET(rst_note, abi_minor, 6);
RST_ASSERT_OFFSET(rst_note, runtime, 8);
RST_ASSERT_OFFSET(rst_note, name_len, 12);
RST_ASSERT_OFFSET(rst_note, version_len, 14);
RST_ASSERT_OFFSET(rst_note, schemes_len, 16);
RST_ASSERT_OFFSET(rst_note, reserved, 18);

/// The whole ELF note up to its texts.
typedef struct rst_elf_note {
  uint32_t name_size; /* 11 */
  uint32_t desc_size;
  uint32_t type;
  char name[12]; /* "RUSTSTREAM", zeros */
  rst_note note;
} rst_elf_note;
RST_ASSERT_SIZE(rst_elf_note, 44);
RST_ASSERT_OFFSET(rst_elf_note, desc_size, 4);
RST_ASSERT_OFFSET(rst_elf_note, type, 8);
RST_ASSERT_OFFSET(rst_elf_note, name, 12);
RST_ASSERT_OFFSET(rst_elf_note, note, 24);

#ifdef __cplusplus
}
#endif

/// For authors in C and C++: emits the note from three string literals, once per plugin, at file scope.
///   RST_PLUGIN_NOTE(RST_RUNTIME_NONE, "org.example.mine", "1.2.0", "mine,mine+tls");
#define RST_NOTE_TEXT_SIZE(text) ((sizeof(text) + 3) / 4 * 4)
#define RST_NOTE_FIXED(runtime_, name_, version_, schemes_)                    \
  {(uint32_t)(sizeof(rst_note) + RST_NOTE_TEXT_SIZE(name_ version_ schemes_)), \
   RST_ABI_MAJOR,                                                              \
   RST_ABI_MINOR,                                                              \
   (runtime_),                                                                 \
   (uint16_t)(sizeof(name_) - 1),                                              \
   (uint16_t)(sizeof(version_) - 1),                                           \
   (uint16_t)(sizeof(schemes_) - 1),                                           \
   0}
/* clang's AddressSanitizer would pad the note, and the section would end elsewhere than the note says. */
#ifdef __clang__
#define RST_NOTE_UNPADDED __attribute__((no_sanitize("address")))
#else
#define RST_NOTE_UNPADDED
#endif
#ifdef _WIN32
#define RST_PLUGIN_NOTE(runtime_, name_, version_, schemes_)                                              \
  RST_NOTE_UNPADDED __attribute__((section(RST_NOTE_PE_SECTION), used, aligned(4))) static const struct { \
    rst_note note;                                                                                        \
    char text[RST_NOTE_TEXT_SIZE(name_ version_ schemes_)];                                               \
  } rst_plugin_note = {RST_NOTE_FIXED(runtime_, name_, version_, schemes_), name_ version_ schemes_}
#else
#define RST_PLUGIN_NOTE(runtime_, name_, version_, schemes_)                                               \
  RST_NOTE_UNPADDED __attribute__((section(RST_NOTE_ELF_SECTION), used, aligned(4))) static const struct { \
    rst_elf_note elf;                                                                                      \
    char text[RST_NOTE_TEXT_SIZE(name_ version_ schemes_)];                                                \
  } rst_plugin_note = {                                                                                    \
      {sizeof(RST_NOTE_NAME), (uint32_t)(sizeof(rst_note) + RST_NOTE_TEXT_SIZE(name_ version_ schemes_)),  \
       RST_NOTE_TYPE, RST_NOTE_NAME, RST_NOTE_FIXED(runtime_, name_, version_, schemes_)},                 \
      name_ version_ schemes_}
#endif

#endif
