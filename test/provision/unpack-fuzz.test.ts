import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { apply } from '../../src/oci/apply.ts'
import { bytesContent, SliceFile } from '../../src/oci/content.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { LayerBuilder } from '../../src/oci/layer-read.ts'
import type { Directory, Tree } from '../../src/oci/node.ts'
import { walk } from '../../src/oci/walk.ts'
import { archiveLayer } from '../../src/provision/archive-layer.ts'
import { fuzz, orRefused } from '../support/fuzz.ts'
import { damagedArchive, honestArchives } from '../support/fuzz-archives.ts'
import { Random, randomTree } from '../support/random-tree.ts'
import { scan } from '../support/raw-tar.ts'

let archives: Buffer[]
beforeAll(() => {
  archives = honestArchives()
})

const damaged = damagedArchive(() => archives)

/** Names that a kernel takes, whatever an archive said. */
function checkNames(layer: Directory): void {
  for (const [path] of walk(layer)) {
    const names = path.split('/')
    expect(path.length).toBeLessThan(4096)
    expect(names.every((name) => /^[^\0/]{1,255}$/s.test(name) && name !== '.' && name !== '..')).toBe(true)
  }
}

function members(bytes: Buffer) {
  return orRefused(['ARCHIVE_INVALID', 'ARCHIVE_UNSAFE'], () => scan(bytes))
}

test('an archive is unpacked below its destination, or refused', () => {
  const options = fc.record({
    to: fc.constantFrom('', 'opt', 'opt/a'),
    stripComponents: fc.nat(2),
    wildcards: fc.constantFrom<string[]>([], ['*'], ['d/*'], ['*file']),
    exclude: fc.constantFrom<string[]>([], ['pipe'], ['*x*']),
  })
  let unpacked = 0
  fc.assert(
    fc.property(damaged, options, (bytes, chosen) => {
      const entries = members(bytes)
      if (entries instanceof OcibakeError) return
      const names = { name: 'a.tar', source: './a.tar', digest: digestOf(bytes) }
      const archive = { ...names, entries: () => entries, file: new SliceFile('/dev/null'), packed: undefined }
      const layer = orRefused(['ARCHIVE_INVALID', 'ARCHIVE_UNSAFE', 'UNPACK_NOTHING_MATCHED', 'PATH_INVALID'], () =>
        archiveLayer(archive, chosen),
      )
      if (layer instanceof OcibakeError) return
      unpacked++
      checkNames(layer)
      const inside = (path: string) =>
        chosen.to === '' || `${chosen.to}/`.startsWith(`${path}/`) || path.startsWith(`${chosen.to}/`)
      for (const [path, node] of walk(layer)) {
        expect(inside(path)).toBe(true)
        expect(node.kind).not.toBe('whiteout')
        if (node.kind === 'directory') expect(node.opaque && path === chosen.to).toBe(false)
      }
    }),
    fuzz(400),
  )
  expect(unpacked).toBeGreaterThan(20)
})

test('a layer of any kind over an image of any kind is a tree with names that a kernel takes, or refused', () => {
  let applied = 0
  fc.assert(
    fc.property(damaged, damaged, fc.nat(), (lower, upper, seed) => {
      let tree: Tree = randomTree(new Random(seed))
      for (const bytes of [lower, upper]) {
        const entries = members(bytes)
        if (entries instanceof OcibakeError) return
        const next = orRefused(['LAYER_INVALID', 'PATH_INVALID'], () => {
          const builder = new LayerBuilder()
          for (const entry of entries) builder.add(entry, () => bytesContent(''))
          return apply(tree, builder.finish())
        })
        if (next instanceof OcibakeError) return
        tree = next
        checkNames(tree)
        for (const [, node] of walk(tree)) expect(node.kind === 'whiteout' || node.kind === 'link').toBe(false)
        applied++
      }
    }),
    fuzz(300),
  )
  expect(applied).toBeGreaterThan(20)
})
