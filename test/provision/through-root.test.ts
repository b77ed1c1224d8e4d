/** Needs root and Debian's busybox-static. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { apply } from '../../src/oci/apply.ts'
import { type Content, Slice, SliceFile } from '../../src/oci/content.ts'
import { guardOf } from '../../src/oci/file-guard.ts'
import { placeAt } from '../../src/oci/tree-paths.ts'
import { Bench, file, smallRoot } from '../support/small-root.ts'

/** A slice of a file that is another one than was written. */
async function damaged(path: string): Promise<Content> {
  await writeFile(path, 'changed')
  const guard = guardOf(Uint32Array.of(1), 7)
  const of = new SliceFile(path, { guard, damaged: async () => new OcibakeError('STORE_CORRUPT', 'changed') })
  return new Slice(of, 0, 7)
}

test.each([
  ['that does not end', 'exec sleep 1000'],
  ['that fails', 'exit 1'],
])('a script %s on what the store has damaged ends with that', async (_, script) => {
  await using bench = await Bench.open()
  const content = await damaged(join(bench.home, 'damaged'))
  const tree = apply(smallRoot(), placeAt('opt/f', { ...file(''), content }))
  await expect(bench.run(tree, script)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
})
