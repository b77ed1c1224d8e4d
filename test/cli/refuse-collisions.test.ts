import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../support/cli.ts'

const spec = (fields: string) => `export default { from: 'scratch', ${fields} steps: [{ write: '/a', text: 'a' }] }`

describe('several images for one place', () => {
  let folder: string
  const run = (...args: string[]) => runCli(['build', ...args], { cache: join(folder, 'cache'), cwd: folder })
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-collisions-'))
    await writeFile(join(folder, 'a.spec.ts'), spec(''))
    await writeFile(join(folder, 'b.spec.ts'), spec(''))
    await writeFile(join(folder, 'also-a.spec.ts'), spec(`name: 'a',`))
    await writeFile(join(folder, 'tagged.spec.ts'), spec(`tags: ['localhost:1/r:1'],`))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it.each([
    ['a b -o oci-archive:both.tar', 'a.spec.ts and b.spec.ts both go to oci-archive:both.tar'],
    ['a b -o oci:x:1 -o oci:y:1', 'a.spec.ts and b.spec.ts both go to oci:x:1'],
    ['a b -o oci:x', 'a.spec.ts and b.spec.ts both go to oci:x'],
    ['a b --tag localhost:1/r:1 --push', 'a.spec.ts and b.spec.ts both go to docker://localhost:1/r:1'],
    ['a tagged --tag localhost:1/r:1 --push', 'both go to docker://localhost:1/r:1'],
    ['a b -o docker://localhost:1/r', 'both go to docker://localhost:1/r:latest'],
    ['a b --platform linux/amd64,linux/arm64 -o oci:x', 'a.spec.ts and b.spec.ts both go to oci:x'],
    ['a also-a', 'a.spec.ts and also-a.spec.ts both go to oci:out/a:latest'],
    [
      'a -o rootfs:x.tar -o oci-archive:./x.tar',
      'a.spec.ts goes twice to one place, rootfs:x.tar and oci-archive:./x.tar',
    ],
  ])('are refused before anything is built: %s', async (line, message) => {
    const args = line.split(' ').map((word) => (/^(a|b|also-a|tagged)$/.test(word) ? `${word}.spec.ts` : word))
    const { code, stdout, stderr } = await run(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^USAGE\n/)
    expect(stderr).toContain(message)
    for (const made of ['both.tar', 'x', 'out', 'cache/store/blobs'])
      expect(existsSync(join(folder, made)), made).toBe(false)
  })

  it.each([
    ['-o oci-archive:x.tar --sbom x.tar', '--sbom x.tar would be written into the image at oci-archive:x.tar'],
    ['-o rootfs:x.tar --metadata-file ./x.tar', '--metadata-file ./x.tar would be written into'],
    ['-o oci:x --sbom x/index.json', '--sbom x/index.json would be written into the image at oci:x'],
    ['-o oci:x:1 --metadata-file x', '--metadata-file x would be written into the image at oci:x:1'],
    ['--metadata-file out/a/index.json', 'would be written into the image at oci:out/a:latest'],
  ])('are not a file about the image, either: %s', async (line, message) => {
    const { code, stderr } = await run('a.spec.ts', ...line.split(' '))
    expect(code, stderr).toBe(2)
    expect(stderr).toContain(message)
    for (const made of ['x.tar', 'x', 'out']) expect(existsSync(join(folder, made)), made).toBe(false)
  })

  it('are not a file beside the image', async () => {
    const { code, stderr } = await run('a.spec.ts', '-o', 'oci:near/image', '--sbom', 'near/image.json')
    expect(code, stderr).toBe(0)
  })

  it.each([
    ['of their own', 'a.spec.ts b.spec.ts'],
    ['with one folder and two tags', 'a.spec.ts -o oci:two:1 -o oci:two:2'],
    ['named twice for one image', 'a.spec.ts -o oci:twice:1 -o oci:twice:1'],
    ['of the platforms of one spec', 'a.spec.ts --platform linux/amd64,linux/arm64 -o oci:all:1'],
    ['of tags that are not pushed', 'a.spec.ts tagged.spec.ts --tag localhost:1/r:1'],
  ])('are not places %s', async (_, line) => {
    const { code, stderr } = await run(...line.split(' '))
    expect(code, stderr).toBe(0)
  })
})
