import { once } from 'node:events'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ScanNews } from '../../src/oci/gzip-worker.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'

describe('the scanning thread', () => {
  it('hears what it is told while it finds that there is nothing to do', async () => {
    const path = join(await testFolder(), 'byte')
    await writeFile(path, 'x')
    await using file = await open(path)
    const worker = new Worker(new URL('../../src/oci/gzip-worker.ts', import.meta.url))
    onTestFinished(() => worker.terminate().then(() => {}))
    const random = new Random(3)
    for (let scan = 0; scan < 1000; scan++) {
      const news: ScanNews = { scan, descriptor: file.fd, size: 1, state: 'growing', hashed: false }
      worker.postMessage(news)
      for (const until = performance.now() + random.below(200) / 1000; performance.now() < until; );
      worker.postMessage({ ...news, state: 'whole' } satisfies ScanNews)
      expect(await once(worker, 'message')).toEqual([{ scan, blocks: undefined }])
    }
  })
})
