/*
 * libdeflate's compressor as deflater.ts uses it, which has it in WebAssembly by `npm run wasm`, and native/addon/deflate.c
 * for this machine: one of level 6, which is made once and can be used again and again. Nothing is imported, and no memory
 * is taken but what is laid out here; in WebAssembly, what is compressed is put behind it.
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
__attribute__((always_inline)) LIBDEFLATEAPI inline struct libdeflate_compressor *
libdeflate_alloc_compressor_ex(int level, const struct libdeflate_options *options);

#include "lib/deflate_compress.c"
#include "lib/utils.c"

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(#name)))
#define PER_THREAD static
#endif

/* From 6 on twice the time saves 1%. Another level moves every digest. */
#define LEVEL 6

/* Addresses of vectors are multiples of this, and so are those of memory that other threads see. */
#define ALIGNMENT 64

/* What is behind the tables of level 6 in a compressor belongs to other levels. */
PER_THREAD _Alignas(ALIGNMENT) u8 room[sizeof(void *) + MATCHFINDER_MEM_ALIGNMENT +
				   offsetof(struct libdeflate_compressor, p) +
				   sizeof(((struct libdeflate_compressor *)0)->p.g)];

PER_THREAD struct libdeflate_compressor *compressor;

/* What was written last. Its last bits, if they are no whole byte, are in memory and not counted by `next`. */
PER_THREAD struct deflate_output_bitstream written;

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

#ifdef __wasm__
/* The linker's: where all that it laid out ends. */
extern u8 __heap_base;
#define FREE_MEMORY ((u8 *)ALIGN((uintptr_t)&__heap_base, ALIGNMENT))
#else
#define FREE_MEMORY NULL
#endif

/* Makes the compressor. Gives where memory begins that it does not use. */
EXPORT(start) u8 *start(void)
{
	static const struct libdeflate_options options = {
		.sizeof_options = sizeof(options), .malloc_func = take, .free_func = give_back};

	compressor = libdeflate_alloc_compressor_ex(LEVEL, &options);
	return FREE_MEMORY;
}

/* The most bytes that `size` bytes are compressed to. */
EXPORT(bound) size_t bound(size_t size)
{
	return libdeflate_deflate_compress_bound(compressor, size);
}

/* Compresses `size` bytes at `from` to `to`, where there is room for `bound(size)`. Gives how many they are then. */
EXPORT(deflate) size_t deflate(const u8 *from, size_t size, u8 *to)
{
	written = (struct deflate_output_bitstream){.next = to, .end = to + bound(size)};
	if (size <= compressor->max_passthrough_size)
		return libdeflate_deflate_compress(compressor, from, size, to, bound(size));
	compressor->impl(compressor, from, size, &written);
	if (written.bitcount == 0)
		return written.next - to;
	*written.next = written.bitbuf;
	return written.next + 1 - to;
}

/* How much of the raw data the last block has. */
static u32 last_block_size(void)
{
	const struct deflate_sequence *sequence = compressor->p.g.sequences;
	u32 size = 0;

	for (;; sequence++) {
		u32 match = sequence->litrunlen_and_length >> SEQ_LENGTH_SHIFT;

		size += (sequence->litrunlen_and_length & SEQ_LITRUNLEN_MASK) + match;
		if (match == 0)
			return size;
	}
}

/*
 * The bits of the last block. 0 if it may be a stored one: they end with a byte, and their size depends on where they
 * begin. That of others does not: this one is written again, behind what is there, as what can go on.
 */
static size_t last_block_bits(const u8 *end_of_data)
{
	u8 *const begin = written.next + 1;
	const u32 size = last_block_size();
	struct deflate_output_bitstream again = {.next = begin, .end = written.end};

	if (begin >= written.end)
		return 0;
	/* A block that is written leaves lengths of codes behind that are not its own. */
	deflate_make_huffman_codes(&compressor->freqs, &compressor->codes);
	deflate_flush_block(compressor, &again, end_of_data - size, size, compressor->p.g.sequences, false);
	if (again.overflow || (*begin >> 1 & 3) == DEFLATE_BLOCKTYPE_UNCOMPRESSED)
		return 0;
	return 8 * (again.next - begin) + again.bitcount;
}

/*
 * Has what `deflate` has just written go on: its last block is not the last one any more, and behind it comes an empty
 * stored one, for which 6 bytes more may be written. Gives how many bytes it is then; 0, and nothing is changed, where it
 * is not known where the last block begins.
 */
EXPORT(open) size_t open(const u8 *from, size_t size, u8 *to)
{
	static const u8 no_data[] = {0, 0, 0xff, 0xff};
	size_t bits, begin;
	u8 *end;

	if (written.bitcount == 0)
		return 0;
	bits = last_block_bits(from + size);
	if (bits == 0)
		return 0;
	begin = 8 * (written.next - to) + written.bitcount - bits;
	to[begin / 8] &= ~(1 << begin % 8);
	/* The three bits of a stored block's header are zeros, and so is what remains of the last one's byte. */
	end = written.next + 1;
	if (written.bitcount > 5)
		*end++ = 0;
	memcpy(end, no_data, sizeof(no_data));
	return end + sizeof(no_data) - to;
}
