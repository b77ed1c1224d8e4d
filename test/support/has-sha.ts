import { readFileSync } from 'node:fs'

/** Whether the kernel says that this processor has the SHA extensions of x86-64. */
export const HAS_SHA = process.arch === 'x64' && / sha_ni\b/.test(readFileSync('/proc/cpuinfo', 'latin1'))
