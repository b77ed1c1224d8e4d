/** Needs root. */
import { execFileSync } from 'node:child_process'
import { lstatSync } from 'node:fs'
import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { bytesContent, type Content, HostFile, Slice, SliceFile } from '../../src/oci/content.ts'
import type { File, Tree } from '../../src/oci/node.ts'
import { type LaidOut, layOut } from '../../src/provision/lay-out.ts'
import { testFolder } from '../support/folder.ts'
import { file, folder, NEWEST } from '../support/small-root.ts'

function place(tree: Tree, at: string, signal = new AbortController().signal): Promise<LaidOut> {
  return layOut(tree, at, { newest: NEWEST, report: () => {}, signal })
}

const holding = (content: Content) => folder({ opt: folder({ f: { ...file(''), content } satisfies File }) }) as Tree

/** A tmpfs of one MiB. */
async function smallDisk(): Promise<string> {
  const mount = join(await testFolder(), 'mount')
  await mkdir(mount)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount])
  onTestFinished(() => void execFileSync('umount', ['-l', mount]))
  return mount
}

async function hostFile(text: string): Promise<{ path: string; content: HostFile }> {
  const path = join(await testFolder(), 'file')
  await writeFile(path, text)
  const { size, mtimeNs, ino } = lstatSync(path, { bigint: true })
  return { path, content: new HostFile(Buffer.from(path), { size: Number(size), mtimeNs, ino }) }
}

test('a host file that changed is an error', async () => {
  const { path, content } = await hostFile('old')
  await appendFile(path, 'er')
  await expect(place(holding(content), await testFolder())).rejects.toMatchObject({ code: 'FILE_CHANGED' })
})

test('a slice of a file that became shorter is an error that names the path', async () => {
  const { path } = await hostFile('short')
  const slice = new Slice(new SliceFile(path), 2, 10)
  await expect(place(holding(slice), await testFolder())).rejects.toMatchObject({
    code: 'STORE_CORRUPT',
    message: expect.stringContaining('/opt/f'),
  })
})

test.each([
  ['bytes', async () => bytesContent(Buffer.alloc(3_000_000))],
  ['a slice', async () => new Slice(new SliceFile((await hostFile('x'.repeat(3_000_000))).path), 0, 3_000_000)],
])('a disk that becomes full is an error with its name: %s', async (_, make) => {
  const disk = await smallDisk()
  const full = place(holding(await make()), disk)
  await expect(full).rejects.toMatchObject({ code: 'DISK_FULL', message: expect.stringContaining(join(disk, 'root')) })
})

test('what is stopped ends with the reason, and nothing is being written any more', async () => {
  const stop = new AbortController()
  const endless: Content = {
    size: 1 << 30,
    async *open() {
      for (let left = 1 << 10; left > 0; left--) {
        if (left === 1000) stop.abort(new Error('enough'))
        yield Buffer.alloc(1 << 20)
      }
    },
  }
  const at = await testFolder()
  await expect(place(holding(endless), at, stop.signal)).rejects.toThrow('enough')
  const { size } = lstatSync(join(at, 'root/opt/f'))
  expect(size).toBeLessThan(1 << 29)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(lstatSync(join(at, 'root/opt/f')).size).toBe(size)
})

test('a content that is not as long as it says is a fault, not another file', async () => {
  const wrong: Content = { size: 3, open: () => bytesContent('four').open() }
  await expect(place(holding(wrong), await testFolder())).rejects.toMatchObject({ code: 'INTERNAL' })
})
