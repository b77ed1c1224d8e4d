/*
 * Inflates a block of deflate as src/oci/inflate.wat does, on the same memory, and stops where that stops.
 * Source: RFC 1951, section 3.2.
 *
 * The bits are a stranger's: they choose an entry of our tables, none behind them, and a distance, which is not gone back
 * when it leads before `begin`. What is read and written lies where `last`, `full` and `begin` say.
 */
#include "codec.h"
#include "inflate.h"

#include <string.h>

/* The next bits of the input, as many as `left` modulo 64 says; those above them are the input's as well, or 0. */
struct bits {
    uint64_t word;
    uint32_t left;
    const uint8_t *in;
};

/* 56 bits at least are there then. */
static inline void fetch(struct bits *bits)
{
    uint64_t next;
    memcpy(&next, bits->in, sizeof next);
    bits->word |= next << (bits->left & DROP);
    bits->in += ~bits->left >> 3 & 7;
    bits->left |= 56;
}

static inline void take(struct bits *bits, uint32_t entry)
{
    bits->word >>= entry & DROP;
    bits->left -= entry;
}

static inline uint32_t look(const uint32_t *table, const struct bits *bits)
{
    return table[bits->word & ((1 << TABLE_BITS) - 1)];
}

/* What a code longer than the index stands for, or `entry` itself. */
static inline uint32_t look_longer(const uint32_t *entries, const struct bits *bits, uint32_t entry)
{
    if (entry & LAST)
        return entry;
    return entries[(entry & ~KIND) + (bits->word >> TABLE_BITS & ((1 << LONGER_BITS) - 1))];
}

/* A length or distance, which is taken: its least value, and the extra bits behind its code. */
static inline uint32_t take_value(struct bits *bits, uint32_t entry)
{
    uint64_t code = bits->word & ((UINT64_C(1) << (entry & DROP)) - 1);
    take(bits, entry);
    return (entry >> BASE_SHIFT) + (uint32_t)(code >> (entry >> CODE_SHIFT & DROP));
}

static inline void copy(uint8_t *to, const uint8_t *from, size_t size)
{
    uint8_t bytes[16];
    memcpy(bytes, from, size);
    memcpy(to, bytes, size);
}

/* Writes what stands `distance` bytes before `to`, up to `end` and 31 bytes more, over which what comes later is written. */
static inline void repeat(uint8_t *to, const uint8_t *end, uint32_t distance)
{
    const uint8_t *from = to - distance;
    if (distance >= 16) {
        copy(to, from, 16);
        copy(to + 16, from + 16, 16);
        for (to += 32, from += 32; to < end; to += 16, from += 16)
            copy(to, from, 16);
        return;
    }
    if (distance == 1) {
        for (; to < end; to += 16)
            memset(to, *from, 16);
        return;
    }
    /* What is there repeats: each time there is twice as much of it, until it is 8 bytes or more. */
    for (; distance < 8 && to < end; distance *= 2) {
        copy(to, from, 8);
        to += distance;
    }
    for (; to < end; to += 8, from += 8)
        copy(to, from, 8);
}

static inline uint8_t *put_literals(uint8_t *to, uint32_t entry)
{
    uint32_t bytes = entry >> LITERAL_SHIFT;
    memcpy(to, &bytes, sizeof bytes);
    return to + (entry >> COUNT_SHIFT);
}

int CODEC(inflate)(uint8_t *memory, struct inflating *at)
{
    const uint32_t *const table = (const uint32_t *)(const void *)memory;
    const uint8_t *const last = memory + at->last, *const full = memory + at->full, *const begin = memory + at->begin;
    uint8_t *out = memory + at->out;
    struct bits bits = {(uint64_t)memory[at->byte] >> at->bit, 8 - at->bit, memory + at->byte + 1};
    int why = INFLATE_LIMIT;
    if (bits.in > last || out > full)
        goto stop;
    fetch(&bits);
    uint32_t entry = look(table, &bits);
    for (;;) {
        /* 33 of the 56 bits are enough for three entries of literals, 48 for a length and a distance. */
        if (!(entry & (OTHER | MATCH))) {
            for (int more = 2;; more--) {
                out = put_literals(out, entry);
                take(&bits, entry);
                entry = look(table, &bits);
                if (more == 0)
                    goto next;
                if (entry & (OTHER | MATCH))
                    break;
            }
            fetch(&bits);
        }
        if (entry & OTHER) {
            entry = look_longer(table, &bits, entry);
            if (entry & OTHER) {
                why = (entry & KIND) == END_OF_BLOCK ? INFLATE_END : INFLATE_INVALID;
                bits.left -= entry;
                goto stop;
            }
            if (!(entry & MATCH)) {
                *out++ = (uint8_t)(entry >> LITERAL_SHIFT);
                take(&bits, entry);
                entry = look(table, &bits);
                goto next;
            }
        }
        uint32_t length = take_value(&bits, entry);
        entry = look(table + DISTANCES, &bits);
        if (entry & OTHER)
            entry = look_longer(table, &bits, entry);
        uint32_t distance = entry & OTHER ? UINT32_MAX : take_value(&bits, entry);
        if (distance > (size_t)(out - begin)) {
            why = INFLATE_INVALID;
            goto stop;
        }
        /* 64 bits were there: this can be looked up while what was found is copied. */
        entry = look(table, &bits);
        repeat(out, out + length, distance);
        out += length;
    next:
        if (bits.in > last || out > full)
            goto stop;
        fetch(&bits);
    }
stop:
    if (why == INFLATE_LIMIT && bits.in <= last)
        why = INFLATE_FULL;
    bits.left &= DROP;
    at->byte = (uint32_t)(bits.in - memory) - ((bits.left + 7) >> 3);
    at->bit = -bits.left & 7;
    at->out = (uint32_t)(out - memory);
    return why;
}
