/*
 * What addon.c lends to JavaScript. Each of these files is compiled once as it is and, for x86-64, once more for
 * processors that have what x86-64-v3 has (BMI2, AVX2): CODEC tells the two apart. Both give the same bytes, and the same
 * as the programs in WebAssembly or JavaScript that are taken where an addon cannot be loaded.
 *
 * Sizes and offsets are bytes. Nothing here allocates memory, and nothing is called but what every C library has of
 * memory: the addon names no library, so that Node's own is taken, whichever that is.
 */
#ifndef OCIBAKE_CODEC_H
#define OCIBAKE_CODEC_H

#include <stddef.h>
#include <stdint.h>

#ifdef CODEC_V3
#define CODEC(name) name##_v3
#else
#define CODEC(name) name##_plain
#endif

/* For addon.c: declares both, or the one that there is. */
#ifdef __x86_64__
#define DECLARE(type, name, ...)      \
    type name##_plain(__VA_ARGS__);   \
    type name##_v3(__VA_ARGS__)
#else
#define DECLARE(type, name, ...) type name##_plain(__VA_ARGS__)
#endif

/* The most bytes that `size` bytes are compressed to. */
DECLARE(size_t, deflate_bound, size_t size);
/* As `deflate` and `open` in src/oci/deflate.c. One piece at a time in each thread. */
DECLARE(size_t, deflate_piece, const uint8_t *from, size_t size, uint8_t *to);
/* It may write this many bytes more than the bound. */
#define DEFLATE_OPEN_MORE 6
DECLARE(size_t, deflate_open, const uint8_t *from, size_t size, uint8_t *to);

/* CRC-32 (RFC 1952, section 8) of `size` bytes behind others that have the CRC-32 `crc`. One for all processors. */
uint32_t libdeflate_crc32(uint32_t crc, const void *bytes, size_t size);

#endif
