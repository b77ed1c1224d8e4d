/*
 * SHA-256 (FIPS 180-4) by the SHA extensions of x86-64. Node's own is as fast, but does not say how far it is.
 * Source: Intel, "Intel SHA Extensions: New Instructions Supporting the Secure Hash Algorithm on Intel Architecture
 * Processors", 2013.
 */
#include "codec.h"

/* One for all processors that have them. */
#ifndef CODEC_V3
#include <stdalign.h>
#include <string.h>

#define BLOCK sizeof ((struct sha256 *)0)->pending

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>

#define WITH_SHA __attribute__((target("sha,sse4.1")))

/* Section 4.2.2. */
static const alignas(16) uint32_t CONSTANTS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

bool sha256_is_here(void)
{
    unsigned int a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1))
        return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA;
}

/* The words of the message schedule after these sixteen: four of them. Section 6.2.2, step 1. */
WITH_SHA static inline __m128i next(__m128i first, __m128i second, __m128i third, __m128i fourth)
{
    __m128i seventh = _mm_alignr_epi8(fourth, third, 4);
    return _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(first, second), seventh), fourth);
}

/* Four words, each of which has its highest byte first. */
WITH_SHA static inline __m128i load(const uint8_t *bytes)
{
    const __m128i order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)bytes), order);
}

/* Section 6.2.2, step 3: the four rounds from `at` on. */
WITH_SHA static inline void rounds(__m128i *abef, __m128i *cdgh, __m128i words, size_t at)
{
    __m128i sums = _mm_add_epi32(words, _mm_load_si128((const __m128i *)(CONSTANTS + at)));
    /* After two rounds, what was a, b, e and f is c, d, g and h. */
    *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, sums);
    *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32(sums, 0x0e));
}

WITH_SHA static inline void block(__m128i *abef, __m128i *cdgh, const uint8_t *bytes)
{
    __m128i first = load(bytes), second = load(bytes + 16), third = load(bytes + 32), fourth = load(bytes + 48);
    const __m128i abef_before = *abef, cdgh_before = *cdgh;
    for (size_t at = 0;; at += 16) {
        rounds(abef, cdgh, first, at);
        rounds(abef, cdgh, second, at + 4);
        rounds(abef, cdgh, third, at + 8);
        rounds(abef, cdgh, fourth, at + 12);
        if (at == 48)
            break;
        first = next(first, second, third, fourth);
        second = next(second, third, fourth, first);
        third = next(third, fourth, first, second);
        fourth = next(fourth, first, second, third);
    }
    *abef = _mm_add_epi32(*abef, abef_before);
    *cdgh = _mm_add_epi32(*cdgh, cdgh_before);
}

WITH_SHA static void blocks(uint32_t *words, const uint8_t *bytes, size_t count)
{
    /* The instructions have the words in another order: f, e, b, a and h, g, d, c. */
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)words), 0xb1);
    __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(words + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
    for (; count > 0; count--, bytes += BLOCK)
        block(&abef, &cdgh, bytes);
    __m128i abef_turned = _mm_shuffle_epi32(abef, 0x1b), cdgh_turned = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)words, _mm_blend_epi16(abef_turned, cdgh_turned, 0xf0));
    _mm_storeu_si128((__m128i *)(words + 4), _mm_alignr_epi8(cdgh_turned, abef_turned, 8));
}
#else
bool sha256_is_here(void)
{
    return false;
}

/* Nobody calls it. */
static void blocks(uint32_t *words, const uint8_t *bytes, size_t count)
{
    (void)words, (void)bytes, (void)count;
    __builtin_trap();
}
#endif

void sha256_start(struct sha256 *state)
{
    /* Section 5.3.3. */
    *state = (struct sha256){.words = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_update(struct sha256 *state, const uint8_t *bytes, size_t size)
{
    size_t pending = state->size % BLOCK;
    state->size += size;
    if (size < BLOCK - pending) {
        /* No bytes may have no address. */
        if (size > 0)
            memcpy(state->pending + pending, bytes, size);
        return;
    }
    if (pending > 0) {
        size_t missing = BLOCK - pending;
        memcpy(state->pending + pending, bytes, missing);
        blocks(state->words, state->pending, 1);
        bytes += missing;
        size -= missing;
    }
    size_t rest = size % BLOCK;
    blocks(state->words, bytes, size / BLOCK);
    memcpy(state->pending, bytes + size - rest, rest);
    memset(state->pending + rest, 0, BLOCK - rest);
}

/* The lowest `size` bytes of a number, the highest of them first. */
static void put(uint8_t *into, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        into[i] = (uint8_t)(number >> 8 * (size - 1 - i));
}

void sha256_end(const struct sha256 *state, uint8_t *into)
{
    struct sha256 last = *state;
    size_t pending = last.size % BLOCK, length = BLOCK - sizeof last.size;
    /* Section 5.1.1: a bit, zeros, and how many bits there were. */
    last.pending[pending++] = 0x80;
    memset(last.pending + pending, 0, BLOCK - pending);
    if (pending > length) {
        blocks(last.words, last.pending, 1);
        memset(last.pending, 0, length);
    }
    put(last.pending + length, 8 * last.size, sizeof last.size);
    blocks(last.words, last.pending, 1);
    for (size_t i = 0; i < 8; i++)
        put(into + 4 * i, last.words[i], 4);
}
#endif
