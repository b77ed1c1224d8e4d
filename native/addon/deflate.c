/* src/oci/deflate.c for this machine: a compressor for each thread, which is made when it is needed first. */
#include "codec.h"

/* What libdeflate gives the linker to see is in the addon twice. */
#define libdeflate_aligned_malloc CODEC(libdeflate_aligned_malloc)
#define libdeflate_aligned_free CODEC(libdeflate_aligned_free)
#define libdeflate_default_malloc_func CODEC(libdeflate_default_malloc_func)
#define libdeflate_default_free_func CODEC(libdeflate_default_free_func)
#define libdeflate_set_memory_allocator CODEC(libdeflate_set_memory_allocator)
#define libdeflate_alloc_compressor_ex CODEC(libdeflate_alloc_compressor_ex)
#define libdeflate_alloc_compressor CODEC(libdeflate_alloc_compressor)
#define libdeflate_free_compressor CODEC(libdeflate_free_compressor)
#define libdeflate_deflate_compress CODEC(libdeflate_deflate_compress)
#define libdeflate_deflate_compress_bound CODEC(libdeflate_deflate_compress_bound)
#define libdeflate_get_compression_level CODEC(libdeflate_get_compression_level)

#define EXPORT(name) static
#define PER_THREAD static _Thread_local
#include "../../src/oci/deflate.c"

/* What `written` is of. */
PER_THREAD const uint8_t *written_to;
PER_THREAD size_t written_size;

static void ready(void)
{
    if (compressor == NULL)
        start();
}

size_t CODEC(deflate_bound)(size_t size)
{
    ready();
    return bound(size);
}

size_t CODEC(deflate_piece)(const uint8_t *from, size_t size, uint8_t *to)
{
    ready();
    written_to = to;
    written_size = size;
    return deflate(from, size, to);
}

size_t CODEC(deflate_open)(const uint8_t *from, size_t size, uint8_t *to)
{
    return to == written_to && size == written_size ? open(from, size, to) : 0;
}
