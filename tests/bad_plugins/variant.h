/* What tells one variant from another: a number, and whether it has a thread of its own instead of simulated time. */
#ifndef PLAIN_VARIANT_H
#define PLAIN_VARIANT_H

#ifdef __cplusplus
extern "C" {
#endif
extern const int variant_number;
extern const int variant_threaded;
#ifdef __cplusplus
}
#endif

#endif
