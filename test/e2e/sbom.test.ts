import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IndexMetadata, Metadata } from '../../src/cli/metadata.ts'
import { runCli } from '../support/cli.ts'
import { debianBase } from '../support/debian-base.ts'
import { startRegistry, type TestRegistry } from '../support/registry.ts'
import { startScriptedServer } from '../support/scripted-server.ts'
import { skopeoCopy, skopeoInspect, tool } from '../support/skopeo.ts'
import { spdxFaults } from '../support/spdx-rules.ts'

interface Listed {
  readonly SPDXID: string
  readonly name: string
  readonly versionInfo?: string
  readonly sourceInfo?: string
  readonly downloadLocation: string
  readonly checksums?: readonly { readonly checksumValue: string }[]
  readonly externalRefs: readonly { readonly referenceLocator: string }[]
}

describe('the list of what is in an image', () => {
  let folder: string
  let registry: TestRegistry
  let base: string
  let baseDigest: string
  let tarball: string
  let count = 0

  /** Builds with a spec of these fields. */
  const build = async (fields: object, args: readonly string[], cache = 'cache', env = {}) => {
    const spec = join(folder, 'app.spec.json')
    await writeFile(spec, JSON.stringify({ from: base, name: 'app', ...fields }))
    return await runCli(['build', spec, ...args], { cache: join(folder, cache), cwd: folder, env })
  }
  /** Builds, and reads what it has listed. */
  const list = async (fields: object, args: readonly string[] = [], cache = 'cache') => {
    const [file, metadata] = [join(folder, `${++count}.spdx.json`), join(folder, `${count}.json`)]
    const { code, stderr } = await build(fields, [...args, '--sbom', file, '--metadata-file', metadata], cache)
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const bytes = await readFile(file)
    const document = JSON.parse(bytes.toString())
    expect(spdxFaults(document)).toEqual([])
    const packages = document.packages as Listed[]
    const purlsOf = (type: string) =>
      packages
        .flatMap((one) => one.externalRefs?.map(({ referenceLocator }) => referenceLocator) ?? [])
        .filter((purl) => purl.startsWith(`pkg:${type}/`))
    const made = JSON.parse(await readFile(metadata, 'utf8')) as Metadata
    return { bytes, document, packages, purlsOf, made, stderr }
  }
  const related = (document: { relationships: Record<string, string>[] }, type: string) =>
    document.relationships
      .filter(({ relationshipType }) => relationshipType === type)
      .map((one) => one.relatedSpdxElement)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-sbom-'))
    registry = await startRegistry()
    base = `${registry.host}/library/debian:bookworm-slim`
    await skopeoCopy(`oci:${await debianBase()}:base`, `docker://${base}`, '--dest-tls-verify=false')
    baseDigest = (await skopeoInspect(`docker://${base}`)).Digest
    await mkdir(join(folder, 'app/node_modules/left-pad'), { recursive: true })
    await writeFile(
      join(folder, 'app/node_modules/left-pad/package.json'),
      '{"name":"left-pad","version":"1.3.0","license":"WTFPL"}',
    )
    await tool('tar', ['-czf', join(folder, 'app.tar.gz'), '-C', folder, 'app'])
    tarball = createHash('sha256')
      .update(await readFile(join(folder, 'app.tar.gz')))
      .digest('hex')
  })
  afterAll(async () => {
    await registry?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const STEPS = [{ unpack: 'app.tar.gz', to: '/srv' }]

  it('has every package that dpkg-query knows, in its version', async () => {
    const steps = [{ run: 'dpkg --remove --force-depends time' }]
    const { packages, purlsOf } = await list({ steps }, ['--output', `rootfs:${join(folder, 'root.tar')}`])
    const root = join(folder, 'root')
    await mkdir(root)
    await tool('tar', ['-xf', join(folder, 'root.tar'), '-C', root])
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own
    const format = '${db:Status-Status} ${Package} ${Version} ${Architecture}\\n'
    const told = await tool('dpkg-query', ['--root', root, '--show', '--showformat', format])
    const installed = told
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('installed '))
    expect(installed.length).toBeGreaterThan(50)
    const debs = new Set(purlsOf('deb'))
    const found = packages
      .filter(({ externalRefs }) => debs.has(externalRefs?.[0]?.referenceLocator ?? ''))
      .map(({ name, versionInfo, externalRefs }) => {
        const architecture = /[?&]arch=([^&]+)/.exec(externalRefs[0]!.referenceLocator)?.[1]
        return `installed ${name} ${versionInfo} ${architecture}`
      })
    expect(found.sort()).toEqual(installed.sort())
    expect(found.filter((line) => / time /.test(line))).toEqual([])
    expect([...debs].filter((purl) => !/^pkg:deb\/debian\/.*distro=debian-12/.test(purl))).toEqual([])
  })

  it('names image, base and archives by what they are everywhere', async () => {
    const tag = `${registry.host}/team/app:1`
    const { document, packages, made } = await list({ steps: STEPS, tags: [tag] })
    const [image, from, archive] = packages
    expect(document).toMatchObject({ name: tag, creationInfo: { created: made.created } })
    expect(document.documentNamespace).toContain(made.digest.slice('sha256:'.length))
    const repository = (name: string) => encodeURIComponent(`${registry.host}/${name}`).replace('%3A', ':')
    expect(image).toMatchObject({ SPDXID: 'SPDXRef-Image', name: tag, versionInfo: made.digest })
    expect(image!.externalRefs[0]!.referenceLocator).toBe(
      `pkg:oci/app@${made.digest}?arch=amd64&repository_url=${repository('team/app')}&tag=1`,
    )
    expect(from).toMatchObject({ SPDXID: 'SPDXRef-Base', name: base, versionInfo: baseDigest })
    expect(from!.externalRefs[0]!.referenceLocator).toBe(
      `pkg:oci/debian@${baseDigest}?repository_url=${repository('library/debian')}&tag=bookworm-slim`,
    )
    expect(archive).toMatchObject({
      name: 'app.tar.gz',
      checksums: [{ algorithm: 'SHA256', checksumValue: tarball }],
      sourceInfo: 'unpacked by step 1: app.tar.gz -> /srv',
    })
    expect(related(document, 'DESCRIBES')).toEqual(['SPDXRef-Image'])
    expect(related(document, 'DESCENDANT_OF')).toEqual(['SPDXRef-Base'])
    expect(related(document, 'GENERATED_FROM')).toEqual([archive!.SPDXID])
    expect(related(document, 'CONTAINS')).toHaveLength(packages.length - 3)
    expect(JSON.stringify(document)).not.toContain(folder)
  })

  it('is the same bytes in another cache, and when nothing has changed', async () => {
    const spec = { steps: [...STEPS, { run: 'echo made > /srv/made' }], created: '2024-05-06T07:08:09Z' }
    const first = await list(spec, [], 'cache-a')
    const again = await list(spec, [], 'cache-a')
    expect(again.stderr).toMatch(/nothing changed/i)
    const other = await list(spec, [], 'cache-b')
    expect([again.bytes.toString(), other.bytes.toString()]).toEqual([first.bytes.toString(), first.bytes.toString()])
    expect(first.made.sbom).toEqual({
      digest: `sha256:${createHash('sha256').update(first.bytes).digest('hex')}`,
      size: first.bytes.length,
      attached: [],
    })
    expect(first.purlsOf('npm')).toEqual(['pkg:npm/left-pad@1.3.0'])
    expect(first.document.creationInfo.created).toBe('2024-05-06T07:08:09Z')
  })

  it('is the same bytes where another machine has made the layer', async () => {
    const fields = { layers: 'append', steps: STEPS, tags: [`${registry.host}/team/cached:1`] }
    const args = ['--push', '--cache-repo', `${registry.host}/team/cache`]
    const first = await list(fields, args, 'cache-c')
    const second = await list(fields, args, 'cache-d')
    expect(second.stderr).toMatch(/nothing changed/i)
    expect(second.bytes.toString()).toBe(first.bytes.toString())
    // One more layer over a base that is not here: its files are needed all the same.
    const third = await list({ ...fields, steps: [...STEPS, { write: '/srv/new', text: '' }] }, args, 'cache-e')
    expect(third.purlsOf('deb')).toEqual(first.purlsOf('deb'))
  })

  it('says that the base was not read, and has what steps laid down', async () => {
    const { document, purlsOf } = await list({ layers: 'append', readBase: false, steps: STEPS }, [
      '--tag',
      `${registry.host}/team/unread:1`,
      '--push',
    ])
    expect([purlsOf('deb'), purlsOf('npm')]).toEqual([[], ['pkg:npm/left-pad@1.3.0']])
    expect(document.annotations.map(({ comment }: { comment: string }) => comment)).toEqual([
      'The base was not read (`readBase: false`): what is in it is missing here.',
    ])
  })

  it('says what it lacks, and so does the build', async () => {
    const { document, stderr } = await list({
      from: 'scratch',
      steps: [{ write: '/var/lib/rpm/Packages', text: '\0' }],
    })
    const sentence = 'Not read: /var/lib/rpm/Packages: its packages, which rpm has installed, are missing here.'
    expect(document.annotations).toMatchObject([{ comment: sentence }])
    expect(stderr).toContain(sentence)
    expect(document.packages).toHaveLength(1)
  })

  it('is found beside the image by the tag that stands for it, in each repository', async () => {
    const tags = [`${registry.host}/team/one:1`, `${registry.host}/team/one:2`, `${registry.host}/team/two:1`]
    const { bytes, made } = await list({ steps: STEPS, tags }, ['--push', '--attach-sbom'])
    expect(made.sbom!.attached).toHaveLength(2)
    for (const name of ['team/one', 'team/two']) {
      const image = `docker://${registry.host}/${name}`
      const raw = async (of: string) => JSON.parse(await tool('skopeo', ['inspect', '--raw', '--tls-verify=false', of]))
      const { manifests } = await raw(`${image}:${made.digest.replace(':', '-')}`)
      expect(manifests).toMatchObject([{ artifactType: 'application/spdx+json' }])
      expect(made.sbom!.attached).toContain(`${registry.host}/${name}@${manifests[0].digest}`)
      const { subject, layers } = await raw(`${image}@${manifests[0].digest}`)
      expect(subject).toMatchObject({ digest: made.digest })
      const answer = await fetch(`${registry.url}/v2/${name}/blobs/${layers[0].digest}`)
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(bytes)
    }
    const again = await list({ steps: STEPS, tags }, ['--push', '--attach-sbom'])
    expect(again.made.sbom).toEqual(made.sbom)
  })

  it('is no part of what the next build copies from its folder', async () => {
    const fields = { from: 'scratch', steps: [{ copy: 'app', to: '/app' }] }
    const copied = async () => {
      const { code, stdout } = await build(fields, ['--sbom', 'app/app.spdx.json'])
      expect(code).toBe(0)
      return stdout
    }
    expect(await copied()).toBe(await copied())
    await rm(join(folder, 'app/app.spdx.json'))
  })

  it('is written to a folder that is made for it, like the metadata', async () => {
    const args = ['--sbom', 'new/of/sbom.json', '--metadata-file', 'new/meta/data.json']
    const { code, stderr } = await build({ from: 'scratch' }, args)
    expect(code, stderr).toBe(0)
    for (const made of ['of/sbom.json', 'meta/data.json']) expect(existsSync(join(folder, 'new', made))).toBe(true)
  })

  it('is attached before stdout gets the image, which gets nothing when that fails', async () => {
    const repository = `${registry.host}/team/taken`
    const fields = { from: 'scratch', steps: [{ write: '/a', text: 'taken' }], tags: [`${repository}:1`] }
    const { made } = await list(fields, ['--push'])
    const taken = `docker://${repository}:${made.digest.replace(':', '-')}`
    await skopeoCopy(`docker://${base}`, taken, '--src-tls-verify=false', '--dest-tls-verify=false')
    const { code, stdout, stderr } = await build(fields, ['--push', '--attach-sbom', '-o', 'oci-archive:-'])
    expect(stderr).toMatch(/^MANIFEST_INVALID/m)
    expect(code).not.toBe(0)
    expect(stdout).toBe('')
  })

  it('is attached behind all images of an index that is written here, too', async () => {
    const metadata = join(folder, 'index.json')
    const fields = { from: 'scratch', steps: [{ write: '/a', text: 'a' }], tags: [`${registry.host}/team/all:1`] }
    const platforms = ['--platform', 'linux/amd64,linux/arm64']
    const args = [...platforms, '--push', '--attach-sbom', '-o', 'oci:all', '--metadata-file', metadata]
    const { code, stderr } = await build(fields, args)
    expect(code, stderr).toBe(0)
    const made = JSON.parse(await readFile(metadata, 'utf8')) as IndexMetadata
    const put = (await registry.requests()).filter((line) => /^PUT \S+\/team\/all\/manifests\//.test(line))
    const order = (digest: string) => put.findIndex((line) => line.includes(`/manifests/${digest}`))
    const images = made.platforms.map(({ digest }) => order(digest))
    const lists = made.platforms.map(({ sbom }) => order(sbom!.attached[0]!.split('@')[1]!))
    expect(Math.min(...images)).toBeGreaterThanOrEqual(0)
    expect(Math.min(...lists)).toBeGreaterThan(Math.max(...images))
  })

  it('has no credential of the build, and nothing is written when it would', async () => {
    const bytes = await readFile(join(folder, 'app.tar.gz'))
    const server = await startScriptedServer((_, response) => void response.end(bytes))
    const token = 'Zk3-vQ9xL0pW7tRb'
    // Longer than what the history has of a step.
    const unpack = `http://${server.host}/${'long/'.repeat(900)}${token}/app.tar.gz`
    const steps = [{ unpack, to: '/', sha256: tarball }]
    const env = { DOWNLOAD_TOKEN: token }
    const args = ['--sbom', 'leaky.json', '-o', 'oci:leaky']
    const { code, stderr } = await build({ from: 'scratch', steps }, args, 'cache', env)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^SECRET_FOUND(.|\n)*sbom has the value of DOWNLOAD_TOKEN/m)
    for (const made of ['leaky.json', 'leaky']) expect(existsSync(join(folder, made)), made).toBe(false)
    const allowed = { from: 'scratch', steps, allowSecrets: ['sbom'] }
    expect((await build(allowed, args, 'cache', env)).code).toBe(0)
    await server.stop()
  })

  it('is not written for an image that could not be pushed', async () => {
    const file = join(folder, 'never.json')
    const { code } = await build({ steps: STEPS }, ['--output', 'docker://localhost:1/x:1', '--sbom', file])
    expect(code).toBe(3)
    expect(existsSync(file)).toBe(false)
  })

  it.each([
    [['--attach-sbom'], /--attach-sbom: the image of .* is not pushed(.|\n)*-> Add --push/],
    [['--sbom', 'x.json', '--metadata-file', './x.json'], /both name x\.json/],
  ])('is refused where it cannot be: %j', async (args, said) => {
    const { code, stderr } = await build({ from: 'scratch' }, args)
    expect(code).toBe(2)
    expect(stderr).toMatch(said)
  })

  it('is refused for several images and one file', async () => {
    for (const name of ['a', 'b']) await writeFile(join(folder, `${name}.spec.json`), '{"from":"scratch"}')
    const args = ['build', 'a.spec.json', 'b.spec.json', '--sbom', 'x.json']
    const { code, stderr } = await runCli(args, { cache: join(folder, 'cache'), cwd: folder })
    expect(code).toBe(2)
    expect(stderr).toMatch(/--sbom x\.json is about one image, and this command builds 2/)
  })

  it('ends the build before the first step when it cannot be written', async () => {
    const { code, stderr } = await build({ from: 'scratch', steps: [{ run: 'true' }] }, ['--sbom', folder])
    expect(code).toBe(1)
    expect(stderr).toMatch(/is no regular file/)
    expect(stderr).not.toContain('[1/1]')
  })

  it('has the addresses of archives without what may be secret in them', async () => {
    const bytes = await readFile(join(folder, 'app.tar.gz'))
    const server = await startScriptedServer((_, response) => void response.end(bytes))
    const unpack = `http://${server.host}/a%20b/app.tar.gz?signature=not-for-everybody`
    const { document, packages } = await list({ from: 'scratch', steps: [{ unpack, to: '/', sha256: tarball }] })
    await server.stop()
    expect(packages[1]).toMatchObject({
      downloadLocation: `http://${server.host}/a%20b/app.tar.gz`,
      checksums: [{ checksumValue: tarball }],
    })
    expect(JSON.stringify(document)).not.toContain('not-for-everybody')
  })
})
