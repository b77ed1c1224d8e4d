import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bytesContent } from '../../src/oci/content.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { directory, FRESH_DIRECTORY } from '../../src/oci/node.ts'
import { Store } from '../../src/oci/store.ts'
import { writeLayer } from '../../src/oci/write-layer.ts'
import { chunked, descriptorOf } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'
import { archive, rawMember } from '../support/raw-tar.ts'
import { filesOf } from '../support/store.ts'

const random = new Random(8)
const noise = Buffer.from(Array.from({ length: 3_000_000 }, () => random.below(256)))
const tar = archive(rawMember({ name: 'zeros' }, Buffer.alloc(3_000_000)))
const layer = gzipSync(tar)
const large = gzipSync(
  archive(rawMember({ name: 'file' }, Buffer.concat([noise.subarray(0, 100_000), Buffer.alloc(3_000_000)]))),
)
const small = Buffer.from('fits')
const file = { kind: 'file', attrs: FRESH_DIRECTORY, content: bytesContent(noise) } as const

/** A store on a filesystem of 2 MiB. */
async function smallStore(): Promise<Store> {
  const mount = join(await testFolder(), 'mount')
  await mkdir(mount)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mount])
  onTestFinished(() => void execFileSync('umount', ['-l', mount]))
  const store = await Store.open(join(mount, 'store'))
  onTestFinished(() => store.close())
  return store
}

it('a blob for which there is no room is not asked for', async () => {
  const store = await Store.open(join(await testFolder(), 'store'))
  onTestFinished(() => store.close())
  const asked = () => {
    throw new Error('asked for')
  }
  const stored = store.ingestBlob({ ...descriptorOf(small), size: 1e15 }, asked)
  await expect(stored).rejects.toMatchObject({ code: 'DISK_FULL' })
  expect(await filesOf(store.root)).toEqual([])
})

describe.runIf(process.getuid?.() === 0)('a full disk (needs root, to mount one)', () => {
  it.each<[string, string, (store: Store) => Promise<unknown>]>([
    ['a blob', ' for a file of 3000000 bytes', (store) => store.ingestBlob(descriptorOf(noise), () => chunked(noise))],
    ['a layer', '', (store) => store.ingestLayer(descriptorOf(layer), undefined, () => chunked(layer))],
    [
      'a layer that a thread unpacks',
      '',
      (store) => store.ingestLayer(descriptorOf(large), undefined, () => chunked(large), { blocks: true }),
    ],
    ['a tar', '', (store) => store.ingestTar(chunked(tar))],
    ['a document', ' for a file of 3000000 bytes', (store) => store.putDocument(noise)],
    ['a record', '', (store) => store.set(digestOf('key'), noise.toString('base64'))],
    ['a spool', '', async (store) => (await store.spool()).append(chunked(noise))],
    [
      'a written layer',
      '',
      (store) =>
        writeLayer(store, directory(new Map([['noise', file]])), {
          compression: 'gzip',
          mediaTypes: 'oci',
          signal: new AbortController().signal,
        }),
    ],
  ])('while %s is stored is said as such, leaves nothing, and the store works on', async (what, needed, act) => {
    const store = await smallStore()
    await expect(act(store)).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(
        new RegExp(`^The disk is full at ${store.root}/tmp/[^ ]*${needed}; \\d+ bytes are free\\.$`),
      ),
      hint: expect.stringMatching(/ocibake cache prune.*--cache-dir/),
    })
    const files = await filesOf(store.root)
    expect(files.filter((path) => !(what === 'a spool' && path.includes('spool')))).toEqual([])
    if (what !== 'a spool') await store.ingestBlob(descriptorOf(small), () => chunked(small))
  })

  it('when the store is opened is said too', async () => {
    const mount = join((await smallStore()).root, '..')
    await writeFile(join(mount, 'filler'), noise).catch(() => {})
    const opened = Store.open(join(mount, 'another')).then((store) => store.putDocument(small))
    await expect(opened).rejects.toMatchObject({ code: 'DISK_FULL' })
  })
})
