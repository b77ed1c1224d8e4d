/*
 * Reads the codes of a block of deflate and fills the tables that inflate.c looks them up in, as deflate-header.ts,
 * deflate-codes.ts and huffman-code.ts do in src/oci. Source: RFC 1951, sections 3.2.2 and 3.2.7.
 */
#include "codec.h"
#include "inflate.h"

#include <stdbool.h>
#include <string.h>

enum {
    LONGEST = TABLE_BITS + LONGER_BITS,
    LONGER_TABLES = 2 * DISTANCES,
    MOST_ENTRIES = INFLATE_TABLES / sizeof(uint32_t),
    MOST_LITERALS = 286,
    MOST_DISTANCES = 30,
    END = 256,
    LENGTH_CODES = 19,
    LENGTH_BITS = 7,
};

static const uint8_t order[LENGTH_CODES] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

/* What a code of `length` bits says. */
static uint32_t literal_entry(uint32_t symbol, uint32_t length)
{
    static const uint16_t base[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                    31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    if (symbol < END)
        return 1u << COUNT_SHIFT | symbol << LITERAL_SHIFT | length;
    if (symbol == END)
        return END_OF_BLOCK | length;
    uint32_t i = symbol - END - 1;
    return (uint32_t)base[i] << BASE_SHIFT | length << CODE_SHIFT | MATCH | (extra[i] + length);
}

static uint32_t distance_entry(uint32_t symbol, uint32_t length)
{
    uint32_t extra = symbol < 4 ? 0 : symbol / 2 - 1;
    uint32_t base = symbol < 4 ? symbol + 1 : ((2 + symbol % 2) << extra) + 1;
    return base << BASE_SHIFT | length << CODE_SHIFT | MATCH | (extra + length);
}

static uint32_t length_entry(uint32_t symbol, uint32_t length)
{
    return symbol << LITERAL_SHIFT | length;
}

struct code {
    /* How many of `sorted` have each length: the symbols in the order of their codes. */
    uint32_t counts[LONGEST + 1];
    uint16_t sorted[MOST_LITERALS];
    uint32_t (*entry)(uint32_t symbol, uint32_t length);
};

/* False when there is no such code. */
static bool sort_symbols(struct code *code, const uint8_t *lengths, uint32_t size)
{
    uint32_t places[LONGEST + 1], longest = 0, place = 0;
    int32_t left = 1;
    memset(code->counts, 0, sizeof code->counts);
    for (uint32_t symbol = 0; symbol < size; symbol++)
        code->counts[lengths[symbol]]++;
    for (uint32_t length = 1; length <= LONGEST; length++) {
        uint32_t count = code->counts[length];
        left = 2 * left - (int32_t)count;
        if (left < 0)
            return false;
        if (count > 0)
            longest = length;
        places[length] = place;
        place += count;
    }
    for (uint32_t symbol = 0; symbol < size; symbol++)
        if (lengths[symbol] > 0)
            code->sorted[places[lengths[symbol]]++] = (uint16_t)symbol;
    /* One code of one bit, or none: what encoders write when there is one distance, or none. */
    return left == 0 || longest <= 1;
}

/* The next code of `length` bits, the first of which is the lowest one; 0 behind the last. */
static inline uint32_t next_code(uint32_t code, uint32_t length)
{
    uint32_t bit = 1u << (length - 1);
    for (; code & bit; bit >>= 1)
        code ^= bit;
    return code | bit;
}

/*
 * Fills the table at `at` of `entries`, which `bits` bits index. Gives where the next tables of longer codes can begin when
 * that is `longer` now, 0 when this is not a code that zlib takes.
 */
static uint32_t fill(uint32_t *entries, uint32_t at, uint32_t bits, uint32_t longer, const struct code *code)
{
    uint32_t *const table = entries + at;
    const uint16_t *symbol = code->sorted;
    uint32_t next = 0;
    table[0] = INVALID;
    for (uint32_t length = 1; length <= bits; length++) {
        /* Each code of the length before stands for two indexes of this one. */
        uint32_t half = 1u << (length - 1);
        memcpy(table + half, table, half * sizeof *table);
        for (uint32_t n = code->counts[length]; n > 0; n--, next = next_code(next, length))
            table[next] = code->entry(*symbol++, length);
    }
    for (uint32_t length = bits + 1; length <= LONGEST; length++)
        for (uint32_t n = code->counts[length]; n > 0; n--, next = next_code(next, length)) {
            /* Every longer code has a table of one size behind its first bits. */
            uint32_t *const first = table + (next & ((1u << bits) - 1));
            if ((*first & KIND) != LONGER) {
                /* There is room for all of them: two symbols share one at least. */
                if (longer + (1 << LONGER_BITS) > MOST_ENTRIES)
                    return 0;
                *first = LONGER | longer;
                longer += 1 << LONGER_BITS;
            }
            uint32_t entry = code->entry(*symbol++, length);
            for (uint32_t i = next >> bits; i < 1 << LONGER_BITS; i += 1u << (length - bits))
                entries[(*first & ~KIND) + i] = entry;
        }
    return longer;
}

/* Makes one entry of two literals that the bits of the index hold whole. */
static void join_literals(uint32_t *entries)
{
    /* What follows a literal stands at a lower index, or is this very entry: it has not been joined yet. */
    for (uint32_t i = DISTANCES; i-- > 0;) {
        uint32_t entry = entries[i];
        if (entry & (OTHER | MATCH))
            continue;
        uint32_t next = entries[i >> (entry & DROP)];
        if (next & (OTHER | MATCH) || (entry & DROP) + (next & DROP) > TABLE_BITS)
            continue;
        uint32_t literal = next >> LITERAL_SHIFT & 0xff;
        entries[i] = entry + (next & DROP) + (literal << (LITERAL_SHIFT + 8)) + (1u << COUNT_SHIFT);
    }
}

/* The bits from `bit` on, 57 of them at least. */
static inline uint64_t bits_at(const uint8_t *memory, uint32_t bit)
{
    uint64_t word;
    memcpy(&word, memory + (bit >> 3), sizeof word);
    return word >> (bit & 7);
}

/* Reads `size` lengths of codes by the table of their own codes; gives the bit after them, 0 when they are none. */
static uint32_t read_lengths(const uint8_t *memory, uint32_t bit, const uint32_t *table, uint8_t *lengths, uint32_t size)
{
    for (uint32_t i = 0; i < size;) {
        uint64_t word = bits_at(memory, bit);
        uint32_t entry = table[word & ((1 << LENGTH_BITS) - 1)];
        if (entry & OTHER)
            return 0;
        uint32_t code_bits = entry & DROP, symbol = entry >> LITERAL_SHIFT;
        bit += code_bits;
        if (symbol < 16) {
            lengths[i++] = (uint8_t)symbol;
            continue;
        }
        uint32_t extra = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
        uint32_t times = (symbol == 18 ? 11 : 3) + (uint32_t)(word >> code_bits & ((1u << extra) - 1));
        if (times > size - i || (symbol == 16 && i == 0))
            return 0;
        memset(lengths + i, symbol == 16 ? lengths[i - 1] : 0, times);
        i += times;
        bit += extra;
    }
    return bit;
}

uint32_t CODEC(inflate_codes)(uint8_t *memory, uint32_t bit)
{
    uint32_t *const entries = (uint32_t *)(void *)memory;
    uint32_t table[1 << LENGTH_BITS];
    uint8_t orders[LENGTH_CODES] = {0}, lengths[MOST_LITERALS + MOST_DISTANCES];
    uint64_t counts = bits_at(memory, bit), word = bits_at(memory, bit + 14);
    uint32_t literals = 257 + (counts & 31), distances = 1 + (counts >> 5 & 31), codes = 4 + (counts >> 10 & 15);
    if (literals > MOST_LITERALS || distances > MOST_DISTANCES)
        return 0;
    for (uint32_t i = 0; i < codes; i++)
        orders[order[i]] = word >> (3 * i) & 7;
    struct code code = {.entry = length_entry};
    if (!sort_symbols(&code, orders, LENGTH_CODES) || !fill(table, 0, LENGTH_BITS, LONGER_TABLES, &code))
        return 0;
    uint32_t after = read_lengths(memory, bit + 14 + 3 * codes, table, lengths, literals + distances);
    /* Without a code for its end, no block ends. */
    if (after == 0 || lengths[END] == 0)
        return 0;
    code.entry = literal_entry;
    if (!sort_symbols(&code, lengths, literals))
        return 0;
    uint32_t longer = fill(entries, 0, TABLE_BITS, LONGER_TABLES, &code);
    if (longer == 0)
        return 0;
    join_literals(entries);
    code.entry = distance_entry;
    if (!sort_symbols(&code, lengths + literals, distances))
        return 0;
    return fill(entries, DISTANCES, TABLE_BITS, longer, &code) == 0 ? 0 : after;
}
