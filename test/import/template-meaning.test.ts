// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is HCL's syntax, too
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importDockerfile } from '../../src/import/dockerfile/import-dockerfile.ts'
import { importTemplate } from '../../src/import/packer/import-template.ts'
import { readTemplate } from '../../src/import/read-template.ts'
import { SourceText } from '../../src/import/source-text.ts'
import { specOfDraft } from '../../src/import/spec-of-draft.ts'
import { writeSpec } from '../../src/import/write-spec.ts'
import { tool } from '../support/skopeo.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ocibake-template-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const DOCKER = { type: 'docker', image: 'debian', commit: true }
const ECHO = { type: 'shell', inline: ['echo'] }

async function imported(
  name: string,
  text: string,
  env: Record<string, string> = {},
  vars: Record<string, string> = {},
) {
  const file = join(folder, name)
  await writeFile(file, text)
  const template = await readTemplate(file, { vars, varFiles: [], env, cwd: folder })
  const folders = { current: folder, spec: folder }
  return importTemplate(template, { folders, bases: new Map(), lift: true, env, isWanted: () => true })
}

const importedJson = (document: object, env: Record<string, string> = {}, vars: Record<string, string> = {}) =>
  imported('it.json', JSON.stringify(document), env, vars)

/** The only spec of a template. */
async function specOf(document: object) {
  const { images } = await importedJson(document)
  return specOfDraft(images[0]!.draft, { vars: {}, env: {}, folder })
}

describe('the specs of a template', () => {
  it('are called each otherwise, also those of one source in two builds', async () => {
    const build = `build {\n  sources = ["source.docker.a"]\n}\n`
    const hcl = await imported('it.pkr.hcl', `source "docker" "a" {\n  image = "debian"\n}\n${build}${build}`)
    expect(hcl.images.map(({ draft }) => draft.name)).toEqual(['it-docker.a', 'it-docker.a-2'])
    const builders = ['a b', 'a-b-2', 'a-b'].map((name) => ({ ...DOCKER, name }))
    const json = await importedJson({ builders, provisioners: [] })
    expect(json.images.map(({ draft }) => draft.name)).toEqual(['it-a-b', 'it-a-b-2', 'it-a-b-3'])
  })

  it('have nothing in them that the environment of the import has', async () => {
    const env = { SECRET: 'hunter2' }
    const inline = ['echo {{user `a`}} {{user `b`}} {{user `c`}}']
    const json = {
      variables: { a: 'x-{{env `SECRET`}}', b: '{{env `SECRET`}}', c: '{{user `a`}}/z' },
      ...{ builders: [DOCKER], provisioners: [{ type: 'shell', inline }] },
    }
    const variables = ['a', 'b'].map((name) => {
      const value = name === 'a' ? `"x-\${env("SECRET")}"` : 'env("SECRET")'
      return `variable "${name}" {\n  default = ${value}\n}\n`
    })
    const source = `source "docker" "u" {\n  image = "d:\${var.a}-\${var.b}"\n}\n`
    const hcl = `${variables.join('')}${source}build {\n  sources = ["source.docker.u"]\n}\n`
    for (const all of [await importedJson(json, env), await imported('env.pkr.hcl', hcl, env)]) {
      expect(writeSpec(all.images[0]!.draft)).not.toContain('hunter2')
      expect(JSON.stringify(all.findings)).not.toContain('hunter2')
    }
    const given = await importedJson(json, env, { a: 'given' })
    expect(writeSpec(given.images[0]!.draft)).toContain(`vars.a ?? 'given'`)
  })
})

describe('run_command of the docker builder', () => {
  it('is for every script, but for what only the caller of Packer has', async () => {
    const variables = { v: '1' }
    const run_command = [
      '-d',
      '-e',
      'A',
      '-e',
      'B={{user `v`}}',
      '--env=C=2',
      '--user=app',
      '--gpus',
      'all',
      '--',
      '{{.Image}}',
    ]
    const document = { variables, builders: [{ ...DOCKER, run_command }], provisioners: [ECHO] }
    expect((await specOf(document)).steps).toEqual([{ run: 'echo', env: { B: '1', C: '2' }, user: 'app' }])
    const { images, findings } = await importedJson(document)
    expect(specOfDraft(images[0]!.draft, { vars: { v: '3' }, env: {}, folder }).steps).toMatchObject([
      { env: { B: '3' } },
    ])
    expect(findings.filter(({ id }) => id === 'OB183').map(({ says }) => says)).toEqual(
      ['-e', '--gpus'].map((name) => `\`${name}\` of \`run_command\` is left out.`),
    )
  })
})

describe('a pipe', () => {
  it('is no file, and is not waited for', async () => {
    await tool('mkfifo', [join(folder, 'pipe')])
    const file = { type: 'file', source: 'pipe', destination: '/pipe' }
    const provisioners = [{ type: 'shell', script: 'pipe' }, { type: 'ansible', playbook_file: 'pipe' }, file]
    const { findings } = await importedJson({ builders: [DOCKER], provisioners })
    expect(findings.filter(({ id }) => id === 'OB186').map(({ says }) => says)).toEqual([
      "There is no script 'pipe'.",
      "There is no playbook 'pipe' on this machine.",
      "There is no 'pipe' on this machine.",
    ])
    const dockerfile = new SourceText('Dockerfile', 'FROM scratch\nADD pipe /pipe')
    const options = { current: folder, spec: folder, vars: {}, target: undefined, lift: true }
    await mkdir(join(folder, '.dockerignore'))
    expect(importDockerfile(dockerfile, options).images[0]!.draft.steps).toMatchObject([{ step: { copy: 'pipe' } }])
  })
})

describe('exit codes of a script', () => {
  it('are as if there were none where the list is empty', async () => {
    const provisioners = [{ ...ECHO, valid_exit_codes: [] }]
    expect((await specOf({ builders: [DOCKER], provisioners })).steps).toEqual([{ run: 'echo' }])
  })
})

describe('variables in what the import takes apart', () => {
  const template = (provisioner: string, value = '1.2.3') => `
variable "version" { default = "${value}" }
variable "other" { default = "slim" }
source "docker" "app" {
  image  = "debian"
  commit = true
}
build {
  sources = ["source.docker.app"]
  provisioner ${provisioner}
}
`
  const ansible = (args: string) => `"ansible" {
    playbook_file   = "site.yml"
    extra_arguments = ${args}
  }`
  const specText = async (provisioner: string, value?: string) => {
    const all = await imported('vars.pkr.hcl', template(provisioner, value))
    return { text: writeSpec(all.images[0]!.draft), ids: all.findings.map(({ id }) => id), findings: all.findings }
  }

  it.each([
    ['a word of its own', '["--extra-vars", "v=${var.version}"]', 'extraVars: { v: version }'],
    ['the same word', '["--extra-vars=v=${var.version}"]', 'extraVars: { v: version }'],
    ['a part of a value', '["-e", "v=${var.version}-1"]', 'extraVars: { v: `${version}-1` }'],
    ['one of several', '["-e", "a=x b=${var.version} c=${var.other}"]', "extraVars: { a: 'x', b: version, c: other }"],
    ['quotes', '["-e", "\'v=${var.version}\'"]', 'extraVars: { v: version }'],
    ['all of it', '["-e", var.version]', "extraArgs: ['-e', version]"],
    ['a name', '["-e", "${var.other}=1"]', "extraArgs: ['-e', `${other}=1`]"],
  ])('stay variables in --extra-vars, in %s', async (_, args, wanted) => {
    const { text, ids } = await specText(ansible(args))
    expect(text).toContain(wanted)
    expect(ids).not.toContain('OB140')
  })

  it('stay in the argument where Ansible takes their value apart', async () => {
    const { text, ids } = await specText(ansible('["-e", "v=${var.version}"]'), 'a b=1')
    expect(text).toContain("extraArgs: ['-e', `v=${version}`]")
    expect(ids).not.toContain('OB140')
  })

  it('stay variables in --extra-vars of JSON templates', async () => {
    const { images } = await importedJson({
      variables: { ver: '1' },
      builders: [DOCKER],
      provisioners: [{ type: 'ansible', playbook_file: 'site.yml', extra_arguments: ['-e', 'v={{user `ver`}}'] }],
    })
    expect(writeSpec(images[0]!.draft)).toContain('extraVars: { v: ver }')
  })

  it.each([
    ['how to reach the container', ansible('["-e", var.version]'), 'ansible_connection=docker a=1'],
    ['a command that starts scripts', shell('execute_command = "sudo -u ${var.version} sh -c \'{{ .Path }}\'"'), 'app'],
    ['a shebang', shell('inline_shebang = "/bin/bash ${var.version}"'), '-e'],
  ])('are told of as fixed where they say %s', async (_, provisioner, value) => {
    const { findings } = await specText(provisioner, value)
    const told = findings.filter(({ id }) => id === 'OB140')
    expect(told).toHaveLength(1)
    expect(told[0]!.says).toContain('${version}')
  })

  it.each(['plain', 'a b$c'])('are not told of where nothing of a password for sudo is kept: %s', async (value) => {
    const command = "echo '${var.version}' | sudo -S sh -c '{{ .Path }}'"
    const { text, ids } = await specText(shell(`execute_command = "${command}"`), value)
    expect(text).not.toContain(value)
    expect(ids).not.toContain('OB140')
  })
})

function shell(option: string): string {
  return `"shell" {
    inline = ["id"]
    ${option}
  }`
}
