import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { giveBack } from '../../src/oci/single-use.ts'
import { DownloadFile, StartedAgain } from '../../src/provision/download-file.ts'
import { collect } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'

async function newFile(): Promise<DownloadFile> {
  const file = await DownloadFile.create(join(await testFolder(), 'bytes'))
  onTestFinished(() => file.close())
  return file
}

it('gives every byte once and in order while several writers fill it, each from its own place, some of it twice', async () => {
  const random = new Random(5)
  const wanted = Buffer.from(Array.from({ length: 20_000 }, () => random.below(256)))
  const file = await newFile()
  const writer = async (start: number, end: number) => {
    for (let at = start; at < end; ) {
      // A try that is repeated from the start of its part.
      if (random.chance(20)) at = start
      const size = Math.min(1 + random.below(700), end - at)
      file.write(at, wanted.subarray(at, at + size))
      at += size
    }
  }
  const got = collect(file.bytes())
  await Promise.all(Array.from({ length: 5 }, (_, lane) => writer(lane * 4000, (lane + 1) * 4000)))
  file.end('whole')
  expect(await got).toEqual(wanted)
  expect(await collect(file.bytes())).toEqual(wanted)
})

it('says when what was read is thrown away, and gives what is there instead to whoever asks again', async () => {
  const file = await newFile()
  file.write(0, Buffer.from('old'))
  const reading = file.bytes()
  expect(Buffer.from((await reading.next()).value!).toString()).toBe('old')
  await file.truncate(0)
  file.write(0, Buffer.from('newer'))
  await expect(reading.next()).rejects.toThrow(StartedAgain)
  file.end('whole')
  expect((await collect(file.bytes())).toString()).toBe('newer')
})

it('fails whoever waits for bytes of a download that is given up', async () => {
  const file = await newFile()
  const reading = collect(file.bytes())
  file.end('gone')
  await file.begun()
  expect(file.isEmpty).toBe(true)
  await expect(reading).rejects.toThrow('given up')
})

it('gives chunks that a reader can free, whatever others read of the same bytes', async () => {
  const file = await newFile()
  const wanted = Buffer.alloc(3 << 20, 'bytes of a download')
  file.write(0, wanted)
  file.end('whole')
  const other = collect(file.bytes())
  let freed = 0
  for await (const chunk of file.bytes()) {
    freed += chunk.byteLength
    giveBack(chunk)
    expect(chunk.byteLength).toBe(0)
  }
  expect(freed).toBe(wanted.byteLength)
  expect(await other).toEqual(wanted)
})
