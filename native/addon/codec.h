/*
 * What addon.c lends to JavaScript. Each of these files is compiled once as it is and, for x86-64, once more for
 * processors that have what x86-64-v3 has (BMI2, AVX2): CODEC tells the two apart. Both give the same bytes, and the same
 * as the programs in WebAssembly or JavaScript that are taken where an addon cannot be loaded. Nothing takes the place of
 * the SHA-256.
 *
 * Sizes and offsets are bytes. Nothing here allocates memory, and nothing is called but what every C library has of
 * memory: the addon names no library, so that Node's own is taken, whichever that is.
 */
#ifndef OCIBAKE_CODEC_H
#define OCIBAKE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && sizeof(size_t) == 8, "see scripts/build-native.sh");

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

/*
 * A SHA-256 (FIPS 180-4) that has got some bytes: all that is needed to go on with it, in another process as well. The same
 * bytes, however they were cut, leave the same state.
 */
struct sha256 {
    uint32_t words[8];
    /* How many bytes it got. */
    uint64_t size;
    /* The last `size % 64` of them, and zeros. Nothing else says how many there are. */
    uint8_t pending[64];
};
_Static_assert(sizeof(struct sha256) == 104, "as in src/oci/resumable-digester.ts");
/* Whether this processor has what the others need. One for all processors that have it. */
bool sha256_is_here(void);
void sha256_start(struct sha256 *state);
void sha256_update(struct sha256 *state, const uint8_t *bytes, size_t size);
/* Sets 32 bytes; the state stays as it is. */
void sha256_end(const struct sha256 *state, uint8_t *into);

/*
 * Copies `count` bits, one at least, from bit `from` of `bytes` to bit `to` of `into`. Bits of `into` before `to` stay; those
 * after the last one become 0 up to the end of its byte.
 */
DECLARE(void, copy_bits, const uint8_t *bytes, uint64_t from, uint64_t count, uint8_t *into, uint64_t to);

/* Bytes of the tables of a block's codes, which are at the beginning of the memory in which it is inflated. */
#define INFLATE_TABLES ((2 * 2048 + (288 + 32) / 2 * 16) * 4)
/* The most bytes that the head of a block has. */
#define INFLATE_HEAD 600
/*
 * Sets the tables. `bit` of the memory is the first one after the block's three bits of head: from there on, bytes of the
 * head can be read, and 8 more. Gives the bit after them, 0 when they are not codes.
 */
DECLARE(uint32_t, inflate_codes, uint8_t *memory, uint32_t bit);

/* Bytes of the memory. */
struct inflating {
    /* The next bit of the input. */
    uint32_t byte, bit;
    /* No symbol is begun when bits behind it were looked at: INFLATE_AHEAD bytes can be read from there on. */
    uint32_t last;
    /* Where the output goes on, and behind what it stops: INFLATE_BEHIND bytes can be written from there on. */
    uint32_t out, full;
    /* Nothing before it is referred to. */
    uint32_t begin;
};
#define INFLATE_AHEAD 16
#define INFLATE_BEHIND 320
enum { INFLATE_LIMIT, INFLATE_FULL, INFLATE_END, INFLATE_INVALID };
/* Inflates a block whose codes are set, up to its end or as far as it can; says why it stopped. */
DECLARE(int, inflate, uint8_t *memory, struct inflating *at);

struct searching {
    /* Where it begins to look; where it has to go on, SIZE_MAX when there is nothing more. */
    size_t at;
    /* Only what starts from `from` on and before `to` is found. */
    size_t from, to;
};
/*
 * Looks for the needles of some tables, which begin at a multiple of 4. Of what it finds it sets the needle's number and its
 * place in `hits`; gives how many these are, `most` at most, which cannot be less than the needles: SIZE_MAX if it is, or
 * if these are no tables.
 */
DECLARE(size_t, search, const uint8_t *bytes, size_t size, struct searching *range, const uint8_t *tables,
        size_t tables_size, uint32_t *hits, size_t most);

#endif
