/* What the tables of deflate's codes say, and where they are: see src/oci/deflate-entry.ts. */
#ifndef OCIBAKE_INFLATE_H
#define OCIBAKE_INFLATE_H

enum {
    TABLE_BITS = 11,
    LONGER_BITS = 15 - TABLE_BITS,
    DISTANCES = 1 << TABLE_BITS,
    DROP = 63,
    MATCH = 1 << 7,
    LITERAL_SHIFT = 8,
    COUNT_SHIFT = 24,
    CODE_SHIFT = 8,
    BASE_SHIFT = 16,
};

/* Neither literals nor a match; which of these it is say the bits of KIND. */
#define OTHER 0x80000000u
#define KIND 0xe0000000u
#define LONGER 0x80000000u
#define END_OF_BLOCK 0xc0000000u
#define INVALID 0xe0000000u
/* Of what is OTHER: not LONGER. */
#define LAST 0x40000000u

#endif
