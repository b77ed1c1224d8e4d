/*
 * The addon that src/oci/native-code.ts loads, by Node-API: codec.h for JavaScript. Any number of threads may load it. All
 * arguments are ours; those that would have something read or written outside their array are refused nevertheless. Two
 * things are not looked at: the tables of codes in an inflater's memory, which only `codes` and deflate-codes.ts set, and
 * whether another thread changes what is being deflated.
 */
#include "arguments.h"
#include "codec.h"
#include "lend-sha256.h"

/* What there is for one kind of processor: see codec.h. */
struct codec {
    size_t (*bound)(size_t size);
    size_t (*piece)(const uint8_t *from, size_t size, uint8_t *to);
    size_t (*open)(const uint8_t *from, size_t size, uint8_t *to);
    void (*copy_bits)(const uint8_t *bytes, uint64_t from, uint64_t count, uint8_t *into, uint64_t to);
    uint32_t (*codes)(uint8_t *memory, uint32_t bit);
    int (*inflate)(uint8_t *memory, struct inflating *at);
    size_t (*search)(const uint8_t *bytes, size_t size, struct searching *range, const uint8_t *tables, size_t tables_size,
                     uint32_t *hits, size_t most);
    bool searches_quickly;
};

#define CODEC_OF(kind, quickly)                                                                      \
    {.bound = deflate_bound_##kind, .piece = deflate_piece_##kind, .open = deflate_open_##kind,      \
     .copy_bits = copy_bits_##kind, .codes = inflate_codes_##kind, .inflate = inflate_##kind,        \
     .search = search_##kind, .searches_quickly = quickly}

static const struct codec plain = CODEC_OF(plain, false);

/* The best for this processor. */
#ifdef __x86_64__
static const struct codec v3 = CODEC_OF(v3, true);

static const struct codec *best(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("x86-64-v3") ? &v3 : &plain;
}
#else
static const struct codec *best(void)
{
    return &plain;
}
#endif

/* The codec of the function that was called; NULL unless it got `count` arguments, which are in `values` then. */
static const struct codec *called(napi_env env, napi_callback_info info, size_t count, napi_value *values)
{
    size_t given = count;
    void *codec;
    if (napi_get_cb_info(env, info, &given, values, NULL, &codec) != napi_ok || given != count)
        return NULL;
    return codec;
}

/* bound(size) */
static napi_value bound(napi_env env, napi_callback_info info)
{
    napi_value values[1];
    size_t size;
    const struct codec *codec = called(env, info, 1, values);
    if (!codec || !to_size(env, values[0], &size))
        return refuse(env, "bound: a size is needed");
    return from_size(env, codec->bound(size));
}

/* deflate(raw, into, at): how many bytes of `into` it has from `at` on, where there is room for the most. */
static napi_value deflate(napi_env env, napi_callback_info info)
{
    napi_value values[3];
    struct bytes raw, into;
    size_t at;
    const struct codec *codec = called(env, info, 3, values);
    if (!codec || !to_bytes(env, values[0], &raw) || !to_bytes(env, values[1], &into) || !to_size(env, values[2], &at) ||
        at > into.size || into.size - at < codec->bound(raw.size))
        return refuse(env, "deflate: there is no room");
    return from_size(env, codec->piece(raw.data, raw.size, into.data + at));
}

/* open(raw, into, at): how many bytes it has then; 0 if it is not what was just deflated. */
static napi_value go_on(napi_env env, napi_callback_info info)
{
    napi_value values[3];
    struct bytes raw, into;
    size_t at;
    const struct codec *codec = called(env, info, 3, values);
    if (!codec || !to_bytes(env, values[0], &raw) || !to_bytes(env, values[1], &into) || !to_size(env, values[2], &at) ||
        at > into.size || into.size - at < codec->bound(raw.size) + DEFLATE_OPEN_MORE)
        return refuse(env, "open: there is no room");
    return from_size(env, codec->open(raw.data, raw.size, into.data + at));
}

/* crc32(bytes, before) */
static napi_value crc32(napi_env env, napi_callback_info info)
{
    napi_value values[2], crc;
    struct bytes bytes;
    uint32_t before;
    if (!called(env, info, 2, values) || !to_bytes(env, values[0], &bytes) ||
        napi_get_value_uint32(env, values[1], &before) != napi_ok)
        return refuse(env, "crc32: bytes and a number are needed");
    /* No bytes may have no address: libdeflate takes that for a question of where to begin. */
    uint32_t all = bytes.size == 0 ? before : libdeflate_crc32(before, bytes.data, bytes.size);
    return napi_create_uint32(env, all, &crc) == napi_ok ? crc : NULL;
}

/* Whether all of these bits are in the bytes. */
static bool has_bits(const struct bytes *bytes, size_t from, size_t count)
{
    size_t bits = bytes->size * 8;
    return from <= bits && count <= bits - from;
}

/* copyBits(bytes, from, count, into, to) */
static napi_value copy_bits(napi_env env, napi_callback_info info)
{
    napi_value values[5];
    struct bytes bytes, into;
    size_t from, count, to;
    const struct codec *codec = called(env, info, 5, values);
    if (!codec || !to_bytes(env, values[0], &bytes) || !to_size(env, values[1], &from) ||
        !to_size(env, values[2], &count) || !to_bytes(env, values[3], &into) || !to_size(env, values[4], &to) ||
        count == 0 || !has_bits(&bytes, from, count) || !has_bits(&into, to, count))
        return refuse(env, "copyBits: they are outside the bytes");
    codec->copy_bits(bytes.data, from, count, into.data, to);
    return NULL;
}

/* Memory in which blocks are inflated: the tables in it are words. */
static bool to_memory(napi_env env, napi_value value, struct bytes *memory)
{
    return to_bytes(env, value, memory) && memory->size >= INFLATE_TABLES && memory->size <= UINT32_MAX / 8 &&
           (uintptr_t)memory->data % sizeof(uint32_t) == 0;
}

/* codes(memory, bit): the bit after them, 0 when they are none. */
static napi_value codes(napi_env env, napi_callback_info info)
{
    napi_value values[2];
    struct bytes memory;
    size_t bit;
    const struct codec *codec = called(env, info, 2, values);
    if (!codec || !to_memory(env, values[0], &memory) || !to_size(env, values[1], &bit) ||
        memory.size < INFLATE_HEAD + 8 || bit / 8 > memory.size - INFLATE_HEAD - 8)
        return refuse(env, "codes: they are outside the memory");
    return from_size(env, codec->codes(memory.data, (uint32_t)bit));
}

/* inflate(memory, at): why it stopped; `at` are the six numbers of `inflating`, which it sets. */
static napi_value inflate(napi_env env, napi_callback_info info)
{
    napi_value values[2];
    struct bytes memory;
    struct words words;
    const struct codec *codec = called(env, info, 2, values);
    if (!codec || !to_memory(env, values[0], &memory) || !to_words(env, values[1], &words) ||
        words.count != sizeof(struct inflating) / sizeof(uint32_t))
        return refuse(env, "inflate: memory and six numbers are needed");
    struct inflating *at = (struct inflating *)words.data;
    if (at->byte >= memory.size || at->bit > 7 || at->last > memory.size - INFLATE_AHEAD ||
        at->full > memory.size - INFLATE_BEHIND || at->begin < INFLATE_TABLES || at->out < at->begin ||
        at->out > memory.size)
        return refuse(env, "inflate: it would be outside the memory");
    return from_size(env, (size_t)codec->inflate(memory.data, at));
}

/* search(bytes, from, to, tables, hits, at): how many hits there are; `hits[0]` is where to go on, or 2^32 - 1. */
static napi_value search(napi_env env, napi_callback_info info)
{
    napi_value values[6];
    struct bytes bytes, tables;
    struct searching range;
    struct words hits;
    const struct codec *codec = called(env, info, 6, values);
    if (!codec || !to_bytes(env, values[0], &bytes) || !to_size(env, values[1], &range.from) ||
        !to_size(env, values[2], &range.to) || !to_bytes(env, values[3], &tables) || !to_words(env, values[4], &hits) ||
        !to_size(env, values[5], &range.at) || bytes.size >= UINT32_MAX || hits.count == 0 ||
        (uintptr_t)tables.data % sizeof(uint32_t) != 0)
        return refuse(env, "search: bytes, a range, tables, hits and a place are needed");
    size_t found = codec->search(bytes.data, bytes.size, &range, tables.data, tables.size, hits.data + 1,
                                 (hits.count - 1) / 2);
    if (found == SIZE_MAX)
        return refuse(env, "search: there is no room for hits, or these are no tables");
    hits.data[0] = range.at < UINT32_MAX ? (uint32_t)range.at : UINT32_MAX;
    return from_size(env, found);
}

/* Has `object` lend what `codec` has. */
static bool lend(napi_env env, napi_value object, const struct codec *codec)
{
    void *data = (void *)codec;
    const napi_property_descriptor functions[] = {
        {.utf8name = "bound", .method = bound, .attributes = napi_enumerable, .data = data},
        {.utf8name = "deflate", .method = deflate, .attributes = napi_enumerable, .data = data},
        {.utf8name = "crc32", .method = crc32, .attributes = napi_enumerable, .data = data},
        {.utf8name = "open", .method = go_on, .attributes = napi_enumerable, .data = data},
        {.utf8name = "copyBits", .method = copy_bits, .attributes = napi_enumerable, .data = data},
        {.utf8name = "codes", .method = codes, .attributes = napi_enumerable, .data = data},
        {.utf8name = "search", .method = search, .attributes = napi_enumerable, .data = data},
        {.utf8name = "inflate", .method = inflate, .attributes = napi_enumerable, .data = data},
    };
    napi_value quickly;
    return napi_get_boolean(env, codec->searches_quickly, &quickly) == napi_ok &&
           napi_set_named_property(env, object, "searchesQuickly", quickly) == napi_ok &&
           napi_define_properties(env, object, sizeof functions / sizeof *functions, functions) == napi_ok;
}

/* The best for this processor; as `plain` what every processor has, for tests. */
NAPI_MODULE_INIT()
{
    napi_value simple;
    if (napi_create_object(env, &simple) != napi_ok || !lend(env, simple, &plain) || !lend(env, exports, best()) ||
        !lend_sha256(env, simple, false) || !lend_sha256(env, exports, sha256_is_here()) ||
        napi_set_named_property(env, exports, "plain", simple) != napi_ok)
        return NULL;
    return exports;
}
