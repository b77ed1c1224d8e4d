import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { parseConfig } from '../../src/oci/config.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { dockerArchiveSource } from '../../src/oci/docker-archive-source.ts'
import { ociArchiveSource } from '../../src/oci/layout-source.ts'
import { parseDocument } from '../../src/oci/manifest.ts'
import { parseReference } from '../../src/oci/reference.ts'
import type { ImageSource } from '../../src/oci/source.ts'
import { Store } from '../../src/oci/store.ts'
import { verified } from '../../src/oci/verified.ts'
import { writeDockerArchive } from '../../src/oci/write-docker-archive.ts'
import { writeOciArchive } from '../../src/oci/write-oci-archive.ts'
import { collect } from '../support/bytes.ts'
import { damages } from '../support/damage.ts'
import { testFolder } from '../support/folder.ts'
import { fuzz, orRefusedLater } from '../support/fuzz.ts'
import { storedImage } from '../support/stored-image.ts'
import { tarDamage } from '../support/tar-damage.ts'

const signal = new AbortController().signal
const CODES = [
  ...(['LAYOUT_INVALID', 'BASE_NOT_FOUND', 'MANIFEST_INVALID', 'MANIFEST_UNSUPPORTED', 'CONFIG_INVALID'] as const),
  ...(['BLOB_MISMATCH', 'ARCHIVE_UNSAFE', 'DIFF_ID_MISMATCH', 'LAYER_INVALID', 'REFERENCE_INVALID'] as const),
]

async function scene() {
  const folder = await testFolder()
  const store = await Store.open(join(folder, 'store'))
  onTestFinished(() => store.close())
  const image = await storedImage(store, { layers: [{ hello: 'world' }, { more: 'x'.repeat(3000) }] })
  return { store, image, file: join(folder, 'image.tar'), spool: join(folder, 'spool') }
}

/** Every layer of a source goes into the store, which verifies it: what is there in the end is what the config says. */
async function ingested(source: ImageSource, store: Store): Promise<number> {
  try {
    const manifest = parseDocument(await source.resolve(signal))
    if (manifest.kind !== 'manifest') throw new Error('no manifest')
    const config = parseConfig(
      await collect(verified(source.blob(manifest.config, 0, signal), manifest.config)),
      'config',
    )
    for (const [i, layer] of manifest.layers.entries()) {
      const diffId = config.rootfs.diff_ids[i]
      const stored = await store.ingestLayer(layer, diffId, (start) => source.blob(layer, start, signal))
      expect(stored.diffId).toBe(diffId)
      expect(stored.digest).toBe(layer.digest)
      expect(digestOf(await collect(store.openBlob(layer.digest, 0)))).toBe(layer.digest)
    }
    return manifest.layers.length
  } finally {
    await source.close()
  }
}

test.each(['docker', 'oci'] as const)('a damaged %s archive gives layers that are whole, or an error', async (kind) => {
  const { store, image, file, spool } = await scene()
  if (kind === 'oci') await writeOciArchive(file, 'v1', image, store, signal)
  else await writeDockerArchive(file, [parseReference('docker.io/library/demo:v1')], image, store, signal)
  const whole = await readFile(file)
  const open = () =>
    kind === 'oci' ? ociArchiveSource(file, 'v1', spool) : dockerArchiveSource(file, undefined, spool)
  expect(await ingested(open(), store)).toBe(2)
  let refused = 0
  await fc.assert(
    fc.asyncProperty(fc.oneof(tarDamage, damages(2)), fc.boolean(), async (spoil, compressed) => {
      const spoilt = spoil(whole)
      await writeFile(file, compressed ? gzipSync(spoilt, { level: 1 }) : spoilt)
      // A store of its own, because it asks nobody for what it has.
      const other = await Store.open(join(await testFolder(), 'store'))
      try {
        const outcome = await orRefusedLater(CODES, () => ingested(open(), other))
        if (outcome instanceof OcibakeError) refused++
      } finally {
        await other.close()
      }
    }),
    fuzz(25),
  )
  expect(refused).toBeGreaterThan(3)
})
