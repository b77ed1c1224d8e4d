import { once } from 'node:events'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ScanAnswer, ScanNews } from '../../src/oci/scan-messages.ts'
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

  it('does not begin anew what it has answered, when it is told of more', async () => {
    const folder = await testFolder()
    const [path, into] = [join(folder, 'bytes'), join(folder, 'tar')]
    await writeFile(path, 'no gzip at all')
    await writeFile(into, '')
    await using file = await open(path)
    const worker = new Worker(new URL('../../src/oci/gzip-worker.ts', import.meta.url))
    onTestFinished(() => worker.terminate().then(() => {}))
    const unpack = { path: into, what: 'the file', end: {} }
    const news: ScanNews = { scan: 1, descriptor: file.fd, size: 14, state: 'whole', hashed: false, unpack }
    const answers: unknown[] = []
    worker.on('message', ({ scan }: ScanAnswer) => answers.push(scan))
    worker.postMessage(news)
    await once(worker, 'message')
    worker.postMessage(news)
    worker.postMessage({ ...news, scan: 2 } satisfies ScanNews)
    while (answers.at(-1) !== 2) await once(worker, 'message')
    expect(answers).toEqual([1, 2])
  })
})
