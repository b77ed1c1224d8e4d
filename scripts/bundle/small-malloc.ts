import { readFile, writeFile } from 'node:fs/promises'

const NODE = '#!/usr/bin/env node\n'
/**
 * A shell that becomes Node. The second line is a string and a comment to Node, a command without effect and another one
 * to the shell. `env -S`, which would do, is not there on every system.
 */
const SHELL = `#!/bin/sh
':' //; MALLOC_TRIM_THRESHOLD_=\${MALLOC_TRIM_THRESHOLD_:-131072} exec node "$0" "$@"
`

/**
 * Has a program started so that glibc gives large buffers back that are free: by itself it stops doing so after the first
 * one of a size, which made builds of large bases 10% larger. Memory of Node's own heap is no matter of this.
 * Source: mallopt(3), M_TRIM_THRESHOLD and M_MMAP_THRESHOLD.
 */
export async function startWithSmallMalloc(file: string): Promise<void> {
  const text = await readFile(file, 'utf8')
  if (!text.startsWith(NODE)) throw new Error(`${file} does not begin with ${NODE}`)
  await writeFile(file, SHELL + text.slice(NODE.length))
}
