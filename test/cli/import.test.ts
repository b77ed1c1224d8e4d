import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../support/cli.ts'

const TEMPLATE = `
variable "text" { default = "from the template" }
variable "owner" {}

source "docker" "one" {
  image  = "example.com/base:1"
  commit = true
}

source "docker" "two" {
  image  = "example.com/base:2"
  commit = true
}

build {
  sources = ["docker.one", "docker.two"]
  provisioner "file" {
    content     = "\${var.text} of \${var.owner}"
    destination = "/etc/text"
  }
  post-processor "docker-tag" {
    repository = "example.com/app"
  }
  post-processor "docker-push" {}
}
`
const SINGLE = TEMPLATE.replace(', "docker.two"', '')
const HOST = SINGLE.replace(
  'provisioner "file"',
  'provisioner "shell-local" {\n    inline = ["make"]\n  }\n  provisioner "file"',
)

describe('ocibake import', () => {
  let folder = ''
  let number = 0
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-import-cli-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** A folder with a template, and ocibake in it. */
  async function withTemplate(text: string, name = 'app.pkr.hcl') {
    const cwd = join(folder, String(number++))
    await mkdir(cwd)
    await writeFile(join(cwd, name), text)
    const ocibake = (...args: string[]) => runCli(args, { cache: join(folder, 'cache'), cwd })
    return { ocibake, cwd, read: (file: string) => readFile(join(cwd, file), 'utf8') }
  }

  it('prints the path of the spec on stdout, and on stderr how much it found and what asks for attention', async () => {
    const { ocibake, read } = await withTemplate(SINGLE)
    const { code, stdout, stderr } = await ocibake('import', 'app.pkr.hcl', '--var', 'owner=me')
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'app.spec.ts' })
    expect(await read('app.spec.ts')).toContain("const owner = vars.owner ?? 'me'")
    expect(stderr).toMatch(/^1 image: 0 todo, 1 differs, 1 defect, 0 lifted, \d+ mapped$/m)
    expect(stderr).toMatch(/^app\.pkr\.hcl:5: differs OB170: /m)
    expect(stderr).not.toContain('OB153')
    expect(stderr).toContain('to build it: ocibake build app.spec.ts --push')
  })

  it('writes a spec for each image, and a report, wherever it is told to', async () => {
    const { ocibake, cwd, read } = await withTemplate(TEMPLATE)
    const { code, stdout } = await ocibake('import', 'app.pkr.hcl', '--output', 'specs', '--report', 'specs/found.md')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'specs/app-one.spec.ts\nspecs/app-two.spec.ts\nspecs/found.md',
    })
    expect((await readdir(join(cwd, 'specs'))).sort()).toEqual(['app-one.spec.ts', 'app-two.spec.ts', 'found.md'])
    expect(await read('specs/found.md')).toMatch(/\| app\.pkr\.hcl:18 \| OB153 \|/)
    const valid = await ocibake('validate', 'specs/app-one.spec.ts', '--var', 'owner=me')
    expect(valid).toMatchObject({ code: 0, stdout: 'specs/app-one.spec.ts: valid' })
    const missing = await ocibake('validate', 'specs/app-one.spec.ts')
    expect(missing.code).toBe(2)
    expect(missing.stderr).toContain('Give --var owner=…')
  })

  it.each([
    [['--only', 'two'], ['app-two.spec.ts']],
    [['--except', 'docker.two'], ['app-one.spec.ts']],
  ])('takes some of several images: %j', async (options, wanted) => {
    const { ocibake } = await withTemplate(TEMPLATE)
    const { code, stdout } = await ocibake('import', 'app.pkr.hcl', ...options)
    expect({ code, files: stdout.split('\n') }).toEqual({ code: 0, files: wanted })
  })

  it.each([
    ['--only', 'three'],
    ['--except', 'three'],
    ['--map-base', 'three=debian:12'],
  ])('refuses a build that the template does not have, naming those it has: %s %s', async (option, value) => {
    const { ocibake } = await withTemplate(TEMPLATE)
    const { code, stderr } = await ocibake('import', 'app.pkr.hcl', option, value)
    expect(code).toBe(2)
    expect(stderr).toContain("no build 'three'")
    expect(stderr).toContain('docker.one, docker.two')
  })

  it('replaces nothing, and writes nothing beside what is there, unless told to', async () => {
    const { ocibake, cwd, read } = await withTemplate(TEMPLATE)
    await writeFile(join(cwd, 'app-two.spec.ts'), 'mine')
    const refused = await ocibake('import', 'app.pkr.hcl')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('app-two.spec.ts would be replaced; nothing was written')
    expect((await readdir(cwd)).sort()).toEqual(['app-two.spec.ts', 'app.pkr.hcl'])
    expect(await read('app-two.spec.ts')).toBe('mine')
    expect(await ocibake('import', 'app.pkr.hcl', '--force')).toMatchObject({ code: 0 })
    expect(await read('app-two.spec.ts')).toContain('export default')
  })

  it('leaves all as it was when one of several files cannot be written', async () => {
    const { ocibake, cwd, read } = await withTemplate(TEMPLATE)
    await writeFile(join(cwd, 'app-one.spec.ts'), 'mine')
    await mkdir(join(cwd, 'found.md'))
    const { code } = await ocibake('import', 'app.pkr.hcl', '--force', '--report', 'found.md')
    expect(code).toBe(1)
    expect((await readdir(cwd)).sort()).toEqual(['app-one.spec.ts', 'app.pkr.hcl', 'found.md'])
    expect(await read('app-one.spec.ts')).toBe('mine')
  })

  it('writes paths that lead from the spec to what the template means', async () => {
    const text = SINGLE.replace(/content .*/, 'source = "rootfs/"').replace('/etc/text', '/')
    const { ocibake, cwd, read } = await withTemplate(text)
    await mkdir(join(cwd, 'rootfs'))
    await ocibake('import', 'app.pkr.hcl', '--output', 'deep/er/mine.spec.ts')
    expect(await read('deep/er/mine.spec.ts')).toContain("{ copy: '../../rootfs/', to: '/' }")
  })

  it('says file, line and column of a template that cannot be read', async () => {
    const { ocibake } = await withTemplate('source "docker" {')
    const { code, stderr } = await ocibake('import', 'app.pkr.hcl')
    expect(code).toBe(2)
    expect(stderr).toMatch(/^TEMPLATE_INVALID\n {2}app\.pkr\.hcl:1:\d+: /m)
  })
})

describe('a Packer template in the place of a spec', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-template-'))
    await writeFile(join(folder, 'app.pkr.hcl'), SINGLE)
    await writeFile(join(folder, 'host.pkr.hcl'), HOST)
    await writeFile(join(folder, 'values.pkrvars.hcl'), 'owner = "somebody"\n')
    await writeFile(join(folder, 'spec.json'), '{ "from": "scratch" }')
    const machine = {
      builders: [{ type: 'amazon-ebs' }],
      provisioners: [{ type: 'file', content: 'x', destination: '/x' }],
    }
    await writeFile(join(folder, 'web.json'), JSON.stringify(machine))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  const ocibake = (...args: string[]) => runCli(args, { cache: join(folder, 'cache'), cwd: folder })

  it('is built with its variables, and what differs is a warning', async () => {
    const args = ['app.pkr.hcl', '--map-base', 'scratch']
    const { code, stdout, stderr } = await ocibake('build', ...args, '--var-file', 'values.pkrvars.hcl')
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(stderr).toMatch(/^warning: app\.pkr\.hcl:5: OB170: /m)
    await ocibake('import', ...args, '--var', 'owner=somebody')
    expect((await ocibake('build', 'app.spec.ts')).stdout).toBe(stdout)
    expect((await ocibake('build', ...args, '--var', 'owner=me')).stdout).not.toBe(stdout)
  })

  it('is validated and planned', async () => {
    const args = ['web.json', '--map-base', 'scratch']
    expect(await ocibake('validate', ...args)).toMatchObject({ code: 0, stdout: 'web.json: valid' })
    const { code, stdout } = await ocibake('plan', ...args)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^step 1 {2}write \/x$/m)
  })

  it('says that what only Packer knows is to be given to the spec', async () => {
    const builders = [{ type: 'docker', image: 'scratch', commit: true }]
    const provisioners = [{ type: 'file', content: '{{isotime}}', destination: '/x' }]
    await writeFile(join(folder, 'time.json'), JSON.stringify({ builders, provisioners }))
    const { code, stderr } = await ocibake('plan', 'time.json', '--ignore-todos')
    expect(code).toBe(2)
    expect(stderr).toMatch(/needs the variable 'isotime'\.\n.*ocibake import, and build that with --var isotime=…/)
    await ocibake('import', 'time.json')
    expect(await ocibake('plan', 'time.spec.ts', '--var', 'isotime=1')).toMatchObject({ code: 0 })
  })

  it('is refused while something of it would be lost, unless that is wished', async () => {
    const args = ['host.pkr.hcl', '--map-base', 'scratch', '--var', 'owner=me']
    const { code, stderr } = await ocibake('build', ...args)
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /^TEMPLATE_INCOMPLETE\n {2}host\.pkr\.hcl has 1 part that cannot be imported:\n {4}host\.pkr\.hcl:17: OB188: /,
    )
    expect(stderr).toContain('ocibake import host.pkr.hcl')
    expect(await ocibake('build', ...args, '--ignore-todos')).toMatchObject({ code: 0 })
    expect((await ocibake('validate', 'web.json')).stderr).toContain('OB181')
  })

  it('gives scripts its secret variables, which stay out of the image', async () => {
    await mkdir(join(folder, 'root/bin'), { recursive: true })
    await copyFile('/bin/busybox', join(folder, 'root/bin/sh'))
    await writeFile(join(folder, 'base.json'), '{ "from": "scratch", "steps": [{ "copy": "root", "to": "/" }] }')
    await writeFile(
      join(folder, 'secret.pkr.hcl'),
      `variable "token" { sensitive = true }
      source "docker" "app" {
        image  = "oci:out/base:latest"
        commit = true
      }
      build {
        sources = ["docker.app"]
        provisioner "shell" {
          environment_vars = ["TOKEN=\${var.token}"]
          inline           = ["echo $TOKEN | wc -c | grep -q 15"]
        }
      }`,
    )
    expect(await ocibake('build', 'base.json')).toMatchObject({ code: 0 })
    const args = ['secret.pkr.hcl', '--var', 'token=hunter2hunter2']
    const built = await ocibake('build', ...args)
    expect(built.code, built.stderr).toBe(0)
    expect(built.stderr).not.toContain('hunter2')
    await ocibake('import', ...args)
    expect(await readFile(join(folder, 'secret.spec.ts'), 'utf8')).not.toContain('hunter2')
    const env = { PKR_VAR_token: 'hunter2hunter2' }
    const again = await runCli(['build', 'secret.spec.ts'], { cache: join(folder, 'cache'), cwd: folder, env })
    expect(again).toMatchObject({ code: 0, stdout: built.stdout })
  })

  it('is no spec in JSON, and a spec takes no options of templates', async () => {
    expect(await ocibake('validate', 'spec.json')).toMatchObject({ code: 0 })
    const { code, stderr } = await ocibake('validate', 'spec.json', '--map-base', 'scratch')
    expect(code).toBe(2)
    expect(stderr).toContain('--map-base is for Packer templates')
  })
})
