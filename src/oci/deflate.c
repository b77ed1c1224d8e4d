/*
 * libdeflate's compressor as deflater.ts uses it, which has it in WebAssembly by `npm run wasm`: one of level 6, which is
 * made once and can be used again and again. Nothing is imported, and no memory is taken but what is laid out here; what
 * is compressed is put behind it.
 */
#include "lib/lib_common.h"

/*
 * libdeflate takes words as large as pointers, which are half of what WebAssembly reckons with. The bytes that come out are
 * the same, a tenth sooner.
 */
#define machine_word_t u64
#undef load_word_unaligned
#define load_word_unaligned load_u64_unaligned
#define put_unaligned_leword put_unaligned_le64
#define bsfw bsf64

/* Where the level is known, what other levels do is left out: two thirds of the code. */
__attribute__((always_inline)) LIBDEFLATEAPI struct libdeflate_compressor *
libdeflate_alloc_compressor_ex(int level, const struct libdeflate_options *options);

#include "lib/deflate_compress.c"
#include "lib/utils.c"

#define EXPORT(name) __attribute__((export_name(#name)))

/* From 6 on twice the time saves 1%. Another level moves every digest. */
#define LEVEL 6

/* Addresses of vectors are multiples of this, and so are those of memory that other threads see. */
#define ALIGNMENT 64

/* What is behind the tables of level 6 in a compressor belongs to other levels. */
static _Alignas(ALIGNMENT) u8 room[sizeof(void *) + MATCHFINDER_MEM_ALIGNMENT +
				   offsetof(struct libdeflate_compressor, p) +
				   sizeof(((struct libdeflate_compressor *)0)->p.g)];

/* The linker's: where all that it laid out ends. */
extern u8 __heap_base;

static struct libdeflate_compressor *compressor;

static void *take(size_t size)
{
	if (size > sizeof(room))
		__builtin_trap();
	return room;
}

static void give_back(void *pointer)
{
	(void)pointer;
}

/* Makes the compressor. Gives where memory begins that it does not use. */
EXPORT(start) u8 *start(void)
{
	static const struct libdeflate_options options = {
		.sizeof_options = sizeof(options), .malloc_func = take, .free_func = give_back};

	compressor = libdeflate_alloc_compressor_ex(LEVEL, &options);
	return (u8 *)ALIGN((uintptr_t)&__heap_base, ALIGNMENT);
}

/* The most bytes that `size` bytes are compressed to. */
EXPORT(bound) size_t bound(size_t size)
{
	return libdeflate_deflate_compress_bound(compressor, size);
}

/* Compresses `size` bytes at `from` to `to`, where there is room for `bound(size)`. Gives how many they are then. */
EXPORT(deflate) size_t deflate(const u8 *from, size_t size, u8 *to)
{
	return libdeflate_deflate_compress(compressor, from, size, to, bound(size));
}
