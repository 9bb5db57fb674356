/* Which variant a binary is. The number is written into a copy of the file by mutation.py, which finds it by its mark.
 */
#ifndef PLAIN_VARIANT_H
#define PLAIN_VARIANT_H

/* NOLINTBEGIN(readability-identifier-naming): names of C, which C++ sees too */
struct variant {
  char mark[16];
  int number;
};

#ifdef __cplusplus
extern "C" {
#endif
extern const volatile struct variant the_variant;
const void* variant_parts(void);
extern const int variant_threaded; /* has a thread of its own instead of simulated time */
/* NOLINTEND(readability-identifier-naming) */
#ifdef __cplusplus
}
#endif

#endif
