/* What src/oci/copy-bits.ts does, by words of 64 bits. */
#include "codec.h"

#include <string.h>

static inline uint64_t load(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* At most 8 bits, all of which are there: the byte behind them need not be. */
static inline uint8_t bits_at(const uint8_t *bytes, uint64_t bit, uint32_t count)
{
    const uint8_t *at = bytes + bit / 8;
    uint32_t shift = bit & 7;
    uint32_t word = at[0];
    if (shift + count > 8)
        word |= (uint32_t)at[1] << 8;
    return (uint8_t)(word >> shift & ((1u << count) - 1));
}

static void copy_bytes(const uint8_t *from, uint32_t shift, size_t size, uint8_t *to)
{
    if (shift == 0) {
        memcpy(to, from, size);
        return;
    }
    size_t i = 0;
    for (; size - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        /* The last bits of a word are in the ninth byte, which is there: the bits that are copied end in it. */
        uint64_t word = load(from + i) >> shift | (uint64_t)from[i + sizeof word] << (64 - shift);
        memcpy(to + i, &word, sizeof word);
    }
    for (; i < size; i++)
        to[i] = bits_at(from, 8 * (uint64_t)i + shift, 8);
}

void CODEC(copy_bits)(const uint8_t *bytes, uint64_t from, uint64_t count, uint8_t *into, uint64_t to)
{
    uint32_t head = -to & 7;
    if (head > count)
        head = (uint32_t)count;
    if (head > 0) {
        uint8_t *at = into + to / 8;
        uint32_t shift = to & 7;
        *at = (uint8_t)((*at & ((1u << shift) - 1)) | (uint32_t)bits_at(bytes, from, head) << shift);
    }
    uint64_t first = from + head, rest = (count - head) & 7;
    size_t whole = (size_t)((count - head) / 8);
    uint8_t *at = into + (to + 7) / 8;
    copy_bytes(bytes + first / 8, first & 7, whole, at);
    if (rest > 0)
        at[whole] = bits_at(bytes, from + count - rest, (uint32_t)rest);
}
