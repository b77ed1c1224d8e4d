/* CRC-32 as libdeflate has it, which chooses by itself what is best for the processor: that of zlib, several times as fast. */
#include "codec.h"

#ifndef CODEC_V3
#include "lib/crc32.c"
#if defined(ARCH_X86_32) || defined(ARCH_X86_64)
#include "lib/x86/cpu_features.c"
#elif defined(ARCH_ARM32) || defined(ARCH_ARM64)
#include "lib/arm/cpu_features.c"
#endif
#endif
