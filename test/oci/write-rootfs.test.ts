import { execFileSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bytesContent } from '../../src/oci/content.ts'
import { type Attrs, EMPTY, FRESH_DIRECTORY, type Node, type Tree } from '../../src/oci/node.ts'
import { writeRootfs } from '../../src/oci/write-rootfs.ts'
import { testFolder } from '../support/folder.ts'

const signal = new AbortController().signal

function treeOf(entries: readonly (readonly [string, Node])[]): Tree {
  return { ...EMPTY, children: new Map(entries) }
}

describe('rootfs:', () => {
  it('is unpacked by GNU tar with owners, modes, xattrs, links, devices and times', async () => {
    const file = join(await testFolder(), 'root.tar')
    const attrs: Attrs = {
      ...FRESH_DIRECTORY,
      mode: 0o4751,
      uid: 3_000_000,
      gid: 7,
      mtime: 86_400,
      xattrs: new Map([['user.x', Buffer.from([0, 255])]]),
    }
    const shared: Node = { kind: 'file', attrs, content: bytesContent('hello') }
    const plain = { ...FRESH_DIRECTORY, mode: 0o600 }
    const tree = treeOf([
      ['a', shared],
      ['b', shared],
      ['l', { kind: 'symlink', attrs: { ...plain, mode: 0o777 }, target: 'a' }],
      ['null', { kind: 'special', attrs: plain, type: 'character', major: 1, minor: 3 }],
    ])
    await writeRootfs(file, tree, signal)
    const out = join(await testFolder(), 'out')
    execFileSync('mkdir', [out])
    execFileSync('tar', ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-xpf', file, '-C', out])
    const stat = execFileSync('stat', ['-c', '%n %f %u %g %Y %h %t:%T', 'a', 'b', 'null'], {
      cwd: out,
      encoding: 'utf8',
    })
    expect(stat.trim().split('\n')).toEqual([
      'a 89e9 3000000 7 86400 2 0:0',
      'b 89e9 3000000 7 86400 2 0:0',
      'null 2180 0 0 0 1 1:3',
    ])
    expect(execFileSync('getfattr', ['-e', 'hex', '-n', 'user.x', 'a'], { cwd: out, encoding: 'utf8' })).toContain(
      '0x00ff',
    )
  })

  it('has the same bytes every time, and is absent after a failure', async () => {
    const folder = await testFolder()
    const tree = treeOf([['a', { kind: 'file', attrs: FRESH_DIRECTORY, content: bytesContent('x') }]])
    await writeRootfs(join(folder, '1'), tree, signal)
    await writeRootfs(join(folder, '2'), tree, signal)
    expect(await readFile(join(folder, '2'))).toEqual(await readFile(join(folder, '1')))
    const lying = treeOf([['a', { kind: 'file', attrs: FRESH_DIRECTORY, content: { ...bytesContent('x'), size: 2 } }]])
    await expect(writeRootfs(join(folder, '3'), lying, signal)).rejects.toThrow(
      expect.objectContaining({ code: 'FILE_CHANGED' }),
    )
    expect((await readdir(folder)).sort()).toEqual(['1', '2'])
  })
})
