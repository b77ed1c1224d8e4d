/*
 * Looks for any number of needles at once. Of each, a few bytes in a row are its key, and every place is looked at with a
 * hash of the keys; with AVX2, only places whose bytes may all be one group's, by the two halves of each.
 * Source: "Teddy" in Hyperscan, by G. Langdale, as https://github.com/BurntSushi/aho-corasick describes it.
 */
#include "codec.h"

#include <stdbool.h>
#include <string.h>
#ifdef CODEC_V3
#include <immintrin.h>
#endif

/* The tables as src/secrets/native-needles.ts makes them. */
struct needles {
    /* Bytes of a key; how many needles there are; how far the key is from a needle's beginning at most. */
    uint32_t width, count, most_before, unused;
    /* Of each byte of a key: by its lower and its upper half, the groups it may be of. Behind the key, all. */
    uint8_t halves[4][2][16];
    /* By the hash of a key: 1 and the number of the first needle. */
    uint16_t first[1 << 12];
    struct needle {
        /* Where it is in the tables, and what it has; the place of its key; the next with this hash, as in `first`. */
        uint32_t at, size, before, next;
    } needles[];
};

struct search {
    const uint8_t *bytes;
    size_t size, from, to;
    const struct needles *needles;
    size_t tables;
    uint32_t *hits;
    size_t found;
};

/* Which bytes of a number are a key. */
static inline uint32_t key_mask(const struct needles *needles)
{
    return UINT32_MAX >> (32 - 8 * needles->width);
}

/* The first needle that may have its key at `at`, where 4 bytes can be read. */
static inline uint32_t first_at(const struct needles *needles, const uint8_t *at, uint32_t mask)
{
    uint32_t key;
    memcpy(&key, at, sizeof key);
    return needles->first[(key & mask) * 0x9e3779b1u >> 20];
}

static bool is_at(const struct search *search, size_t at, const struct needle *needle)
{
    if (needle->at > search->tables || needle->size > search->tables - needle->at)
        return false;
    if (at < search->from || at >= search->to || needle->size > search->size - at)
        return false;
    const uint8_t *bytes = (const uint8_t *)search->needles + needle->at;
    for (size_t i = 0; i < needle->size; i++)
        if (search->bytes[at + i] != bytes[i])
            return false;
    return true;
}

/* Adds the needles that have their key at `at`. */
static void verify(struct search *search, size_t at, uint32_t next)
{
    while (next != 0 && next <= search->needles->count) {
        const struct needle *needle = &search->needles->needles[next - 1];
        if (needle->before <= at && is_at(search, at - needle->before, needle)) {
            uint32_t *hit = search->hits + 2 * search->found++;
            hit[0] = next - 1;
            hit[1] = (uint32_t)(at - needle->before);
        }
        /* They are in order: there is no way around in a circle. */
        if (needle->next <= next)
            return;
        next = needle->next;
    }
}

#ifdef CODEC_V3
/* The places of 32 from `at` on, as bits, at which a key of one of the groups may be. 35 bytes can be read there. */
static inline uint32_t places(const uint8_t *at, const __m256i halves[4][2])
{
    const __m256i low = _mm256_set1_epi8(15);
    __m256i groups = _mm256_set1_epi8(-1);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(at + i));
        __m256i upper = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low);
        groups = _mm256_and_si256(groups, _mm256_shuffle_epi8(halves[i][0], _mm256_and_si256(bytes, low)));
        groups = _mm256_and_si256(groups, _mm256_shuffle_epi8(halves[i][1], upper));
    }
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(groups, _mm256_setzero_si256()));
}

/* As `slowly`, as far as 35 bytes can be read. */
static size_t quickly(struct search *search, size_t at, size_t end, size_t most)
{
    const struct needles *needles = search->needles;
    const uint32_t mask = key_mask(needles);
    __m256i halves[4][2];
    for (int i = 0; i < 4; i++)
        for (int half = 0; half < 2; half++)
            halves[i][half] =
                _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)needles->halves[i][half]));
    for (; at < end && search->size - at >= 35; at += 32)
        for (uint32_t bits = places(search->bytes + at, halves); bits != 0; bits &= bits - 1) {
            size_t place = at + (size_t)__builtin_ctz(bits);
            uint32_t next = first_at(needles, search->bytes + place, mask);
            if (next == 0)
                continue;
            if (most - search->found < needles->count)
                return place;
            verify(search, place, next);
        }
    return at;
}
#endif

/* Looks from `at` on, before `end`, for up to `most` hits. Gives where it has to go on. */
static size_t slowly(struct search *search, size_t at, size_t end, size_t most)
{
    const struct needles *needles = search->needles;
    const uint8_t *const bytes = search->bytes;
    const size_t size = search->size;
    const uint32_t mask = key_mask(needles);
    for (; at < end; at++) {
        uint32_t next;
        if (size - at >= 4)
            next = first_at(needles, bytes + at, mask);
        else {
            uint8_t last[4] = {0};
            memcpy(last, bytes + at, size - at);
            next = first_at(needles, last, mask);
        }
        if (next == 0)
            continue;
        if (most - search->found < needles->count)
            break;
        verify(search, at, next);
    }
    return at;
}

size_t CODEC(search)(const uint8_t *bytes, size_t size, struct searching *range, const uint8_t *tables, size_t tables_size,
                     uint32_t *hits, size_t most)
{
    const struct needles *needles = (const struct needles *)(const void *)tables;
    if (tables_size < sizeof *needles || needles->count > (tables_size - sizeof *needles) / sizeof *needles->needles ||
        needles->width < 1 || needles->width > 4 || most < needles->count)
        return SIZE_MAX;
    size_t at = range->at, end = size < needles->width ? 0 : size - needles->width + 1;
    range->at = SIZE_MAX;
    /* Behind it, nothing starts that is looked for. */
    if (range->to < end && needles->most_before < end - range->to)
        end = range->to + needles->most_before;
    struct search search = {bytes, size, range->from, range->to, needles, tables_size, hits, 0};
#ifdef CODEC_V3
    at = quickly(&search, at, end, most);
    if (at < end && size - at < 35)
#endif
        at = slowly(&search, at, end, most);
    if (at < end)
        range->at = at;
    return search.found;
}
