import { execFileSync, spawnSync } from 'node:child_process'
import { access, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { removeTree } from '../../src/oci/remove-tree.ts'
import { testFolder } from '../support/folder.ts'

const bash = (cwd: string, script: string) => execFileSync('bash', ['-ec', script], { cwd })

describe('removeTree', { timeout: 60_000 }, () => {
  it.each([
    ['nothing', 'true'],
    ['a file', 'echo x > tree'],
    ['a symlink to a folder', 'ln -s ../keep tree'],
    ['files, links, fifos, devices', 'mkdir -p tree/a/b; cd tree; echo x > a/b/f; ln -s /etc l; mkfifo p; ln a/b/f h'],
    ['names that are no UTF-8', "mkdir -p $'tree/\\xff\\n/\\xfe'; echo x > $'tree/\\xff\\n/\\xfe/\\xfd'"],
    ['folders that nobody may enter', 'mkdir -p tree/a/b; touch tree/a/b/c; chmod 0 tree/a/b tree/a tree'],
    [
      'paths that are longer than PATH_MAX',
      'mkdir tree; cd tree; for i in {1..40}; do n=$(printf "%0200d" $i); mkdir $n; cd $n; touch f; done',
    ],
    ['a thousand levels', 'mkdir -p "tree/$(printf "d/%.0s" {1..1000})"'],
  ])('removes %s, and nothing else', async (_, script) => {
    const folder = await testFolder()
    await mkdir(join(folder, 'keep'))
    await writeFile(join(folder, 'keep', 'file'), '')
    bash(folder, script)
    await removeTree(join(folder, 'tree'))
    expect(await readdir(folder)).toEqual(['keep'])
    await access(join(folder, 'keep', 'file'))
  })

  it('does not follow a symlink that leads out', async () => {
    const folder = await testFolder()
    await mkdir(join(folder, 'keep/inner'), { recursive: true })
    await mkdir(join(folder, 'tree'))
    await symlink('../keep', join(folder, 'tree', 'out'))
    await removeTree(join(folder, 'tree'))
    await access(join(folder, 'keep/inner'))
  })

  it.runIf(process.getuid?.() === 0)('works for an ordinary user too (needs root to become one)', async () => {
    const folder = await testFolder()
    bash(folder, 'chmod 777 .; mkdir -p tree/a/b; touch tree/a/b/c; chmod 0 tree/a/b tree/a tree; chown -R 65534 tree')
    const url = JSON.stringify(new URL('../../src/oci/remove-tree.ts', import.meta.url).href)
    const script = `process.setuid(65534); const { removeTree } = await import(${url}); await removeTree('tree')`
    const got = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, encoding: 'utf8' })
    expect(got.stderr).toBe('')
    expect(await readdir(folder)).toEqual([])
  })

  it.runIf(process.getuid?.() === 0)('leaves what is mounted inside alone (needs root)', async () => {
    const folder = await testFolder()
    await mkdir(join(folder, 'tree/mnt'), { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(folder, 'tree/mnt')])
    try {
      await writeFile(join(folder, 'tree/mnt/precious'), '')
      await expect(removeTree(join(folder, 'tree'))).rejects.toMatchObject({ code: 'EBUSY' })
      await access(join(folder, 'tree/mnt/precious'))
    } finally {
      execFileSync('umount', [join(folder, 'tree/mnt')])
    }
  })
})
