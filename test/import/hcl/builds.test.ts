// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is HCL's syntax, too
import { describe, expect, it } from 'vitest'
import type { Block, Build } from '../../../src/import/template.ts'
import { Mixed, Reference, Unknown, type Value } from '../../../src/import/value.ts'
import { NOTHING_GIVEN, readText } from '../../support/hcl.ts'

const SOURCES = 'source "docker" "a" { image = "debian" }\nsource "docker" "b" { image = "ubuntu" }\n'

/** What a block says, for comparing: its type and attributes. */
const told = ({ type, attributes }: Block) => [
  type,
  Object.fromEntries([...attributes].map(([name, { value }]) => [name, value])),
]
const steps = (build: Build | undefined) => build!.provisioners.map(told)
const chains = (build: Build | undefined) => build!.postProcessors.map((chain) => chain.map(told))

async function buildsIn(text: string) {
  const { builds } = await readText(SOURCES + text)
  return builds
}

describe('the builds of a template', () => {
  it('are one for each source of each build, with the names of Packer', async () => {
    const builds = await buildsIn(
      'build { sources = ["source.docker.a", "docker.b"] }\nbuild {\n  name = "x"\n  sources = ["sources.docker.b"]\n}',
    )
    expect(builds.map(({ name, source }) => [name, source.name])).toEqual([
      ['docker.a', 'a'],
      ['docker.b', 'b'],
      ['x.docker.b', 'b'],
    ])
  })

  it('may name sources without quotes, by a variable, or in a list that is computed', async () => {
    const builds = await buildsIn(
      'variable "s" { default = "docker.b" }\nbuild { sources = [source.docker.a, var.s] }\nbuild { sources = [for n in ["a", "b"] : "docker.${n}"] }',
    )
    expect(builds.map(({ name }) => name)).toEqual(['docker.a', 'docker.b', 'docker.a', 'docker.b'])
  })

  it('may add to a source, and give it another name', async () => {
    const [build] = await buildsIn(
      'build {\n  source "docker.a" {\n    name = "other"\n    image = "alpine"\n    commit = true\n  }\n  provisioner "shell" { inline = [source.name, source.type, "${build.name}", "{{build_name}}"] }\n}',
    )
    expect(build!.name).toBe('docker.other')
    expect(told(build!.source)).toEqual(['docker', { image: 'alpine', commit: true }])
    expect(steps(build)).toEqual([['shell', { inline: ['other', 'docker', '', 'a'] }]])
  })

  it('leave out sources that nobody declares, and say so', async () => {
    const { builds, findings } = await readText(
      `${SOURCES}build {\n  sources = ["source.docker.a", "source.docker.none"]\n}`,
    )
    expect(builds.map(({ name }) => name)).toEqual(['docker.a'])
    expect(findings).toContainEqual(
      expect.objectContaining({ kind: 'todo', id: 'OB149', place: { file: 't.pkr.hcl', line: 4, column: 33 } }),
    )
    expect(findings).toContainEqual(
      expect.objectContaining({ kind: 'mapped', id: 'OB149', says: 'No build uses `source "docker" "b"`.' }),
    )
  })

  it('have the provisioners in their order, each for the sources that it is for', async () => {
    const [a, b] = await buildsIn(`build {
  name = "n"
  sources = ["source.docker.a", "source.docker.b"]
  provisioner "shell" { inline = ["1"] }
  provisioner "file" {
    only = ["docker.a"]
    source = "x"
  }
  provisioner "shell" {
    except = ["docker.a"]
    inline = ["2"]
  }
  provisioner "shell" {
    inline = ["3"]
    override = {
      a = { inline = ["3a"] }
      "docker.b" = { inline = ["by another name"] }
      b = { inline = ["3b"], pause_before = "1s" }
    }
  }
  error-cleanup-provisioner "shell" { inline = ["oops"] }
}`)
    expect(steps(a)).toEqual([
      ['shell', { inline: ['1'] }],
      ['file', { source: 'x' }],
      ['shell', { inline: ['3a'] }],
    ])
    expect(steps(b)).toEqual([
      ['shell', { inline: ['1'] }],
      ['shell', { inline: ['2'] }],
      ['shell', { inline: ['3b'], pause_before: '1s' }],
    ])
    expect(told(a!.errorCleanup!)).toEqual(['shell', { inline: ['oops'] }])
  })

  it('have each post-processor as a chain of its own, but for those in post-processors', async () => {
    const [a, b] = await buildsIn(`build {
  sources = ["source.docker.a", "source.docker.b"]
  post-processor "manifest" {}
  post-processors {
    post-processor "docker-tag" {
      name = "tagging"
      repository = "r"
    }
    post-processor "docker-push" { only = ["docker.a"] }
  }
  post-processors {
    post-processor "checksum" { only = ["docker.a"] }
  }
}`)
    expect(chains(a)).toEqual([
      [['manifest', {}]],
      [
        ['docker-tag', { repository: 'r' }],
        ['docker-push', {}],
      ],
      [['checksum', {}]],
    ])
    expect(chains(b)).toEqual([[['manifest', {}]], [['docker-tag', { repository: 'r' }]]])
    expect(a!.postProcessors[1]![0]!.name).toBe('tagging')
  })

  it('have dynamic blocks made', async () => {
    const [build] = await buildsIn(`locals {
  files = { "/b" = "x", "/a" = "y" }
}
build {
  sources = ["source.docker.a"]
  dynamic "provisioner" {
    for_each = local.files
    labels = ["file"]
    content {
      source = provisioner.value
      destination = provisioner.key
    }
  }
  dynamic "provisioner" {
    for_each = [1, 2]
    iterator = step
    labels = ["shell"]
    content { inline = ["echo \${step.value} \${step.key}"] }
  }
  dynamic "post-processor" {
    for_each = ["t"]
    labels = ["docker-tag"]
    content { tags = [post-processor.value] }
  }
}`)
    expect(steps(build)).toEqual([
      ['file', { source: 'y', destination: '/a' }],
      ['file', { source: 'x', destination: '/b' }],
      ['shell', { inline: ['echo 1 0'] }],
      ['shell', { inline: ['echo 2 1'] }],
    ])
    expect(chains(build)).toEqual([[['docker-tag', { tags: ['t'] }]]])
  })

  it('and their sources may be made by dynamic blocks themselves', async () => {
    const { builds } = await readText(`dynamic "source" {
  for_each = { small = "alpine", large = "debian" }
  labels = ["docker", source.key]
  content { image = source.value }
}
dynamic "build" {
  for_each = ["small", "large"]
  iterator = size
  content { sources = ["docker.\${size.value}"] }
}`)
    expect(builds.map(({ name, source }) => [name, told(source)])).toEqual([
      ['docker.small', ['docker', { image: 'alpine' }]],
      ['docker.large', ['docker', { image: 'debian' }]],
    ])
  })

  it('have the blocks within a source, dynamic ones too', async () => {
    const { builds } = await readText(`source "docker" "x" {
  build {
    path = "Dockerfile"
  }
  dynamic "thing" {
    for_each = ["v"]
    content { a = thing.value }
  }
}
build { sources = ["docker.x"] }`)
    expect(builds[0]!.source.blocks.map(told)).toEqual([
      ['build', { path: 'Dockerfile' }],
      ['thing', { a: 'v' }],
    ])
  })

  it('know where the template is, and what Packer makes only when it builds is unknown', async () => {
    const [build] = await buildsIn(
      'build {\n  sources = ["docker.a"]\n  provisioner "shell" { inline = ["${path.root}/x", path.cwd, "${build.ID}"] }\n}',
    )
    expect(steps(build)).toEqual([
      ['shell', { inline: ['./x', NOTHING_GIVEN.cwd, new Unknown('build.ID', expect.any(String))] }],
    ])
  })

  it('have Go templates done where plugins do them, and others left alone', async () => {
    const inline = (text: string): string => `"${text}"`
    const { builds, findings } = await readText(`${SOURCES}variable "v" { default = "1" }
build {
  sources = ["docker.a"]
  provisioner "shell" {
    inline = [${['{{timestamp}}', 'a {{build_name}} {{ build_type | upper }}', '{{.Vars}} {{ .Path }}', "docker ps --format '{{.Names}} {{json .}}'", '{{`{{x}}`}}-${var.v}'].map(inline).join(', ')}]
  }
}`)
    expect(steps(builds[0])).toEqual([
      [
        'shell',
        {
          inline: [
            new Mixed([new Unknown('{{timestamp}}', expect.any(String))]),
            'a a DOCKER',
            '{{.Vars}} {{ .Path }}',
            "docker ps --format '{{.Names}} {{json .}}'",
            new Mixed(['{{x}}-', new Reference('v', '1')]),
          ],
        },
      ],
    ])
    expect(findings).toContainEqual(
      expect.objectContaining({ id: 'OB141', place: { file: 't.pkr.hcl', line: 7, column: 15 } }),
    )
  })

  it('do not report what only machines of another kind would need', async () => {
    const { findings, builds } = await readText(`locals { now = timestamp() }
source "amazon-ebs" "x" { ami_name = "a-\${local.now}-{{isotime}}" }
build {
  sources = ["amazon-ebs.x"]
  provisioner "shell" { inline = ["echo \${local.now}"] }
}`)
    expect(builds[0]!.source.attributes.get('ami_name')!.value).toBeInstanceOf(Mixed)
    expect(findings.filter(({ id }) => id === 'OB141')).toMatchObject([{ place: { line: 1 } }])
  })
})

describe('what stands around builds', () => {
  it.each<[string, object]>([
    ['packer {\n  required_version = "1"\n}', { kind: 'mapped', id: 'OB143' }],
    [
      'data "amazon-ami" "x" {}',
      { kind: 'differs', id: 'OB145', says: expect.stringContaining('data "amazon-ami" "x"') },
    ],
    ['resource "x" "y" {}', { kind: 'todo', id: 'OB144', says: expect.stringContaining('`resource`') }],
    ['stray = 1', { kind: 'defect', id: 'OB144', says: expect.stringContaining("'stray'") }],
    ['locals {\n  a = 1\n}', { kind: 'mapped', id: 'OB142', says: "Nothing that is built uses the local 'a'." }],
    [
      'variable "a" {}\nvariable "a" {}',
      {
        kind: 'defect',
        id: 'OB114',
        place: { file: 't.pkr.hcl', line: 5, column: 1 },
        says: expect.stringContaining('t.pkr.hcl:4'),
      },
    ],
    [
      'variable "a" {\n  type = text\n}',
      { kind: 'defect', id: 'OB141', says: expect.stringContaining('names no type') },
    ],
    [
      'variable "a" {\n  type = number\n  default = "x"\n}',
      { kind: 'defect', id: 'OB141', says: expect.stringContaining('does not fit') },
    ],
    [
      'variable "a" {\n  default = "x"\n  validation {\n    condition = length(var.a) > 3\n    error_message = "Too short."\n  }\n}',
      { kind: 'defect', id: 'OB146', says: expect.stringContaining('Too short.') },
    ],
    [
      'variable "a" {\n  default = "x"\n  validation {\n    condition = var.a == "x"\n    error_message = "No."\n  }\n}',
      { kind: 'differs', id: 'OB146' },
    ],
  ])('%j is told of', async (text, finding) => {
    const { findings } = await readText(`${SOURCES}build { sources = ["docker.a", "docker.b"] }\n${text}`)
    expect(findings).toEqual([expect.objectContaining(finding)])
  })

  it('is told of when it is for no source', async () => {
    const { findings } = await readText(`${SOURCES}build {
  sources = ["docker.a", "docker.b"]
  provisioner "shell" { only = ["docker"] }
  post-processors {
    post-processor "docker-tag" { except = ["docker.a", "docker.b"] }
  }
}`)
    expect(findings).toMatchObject([
      {
        kind: 'defect',
        id: 'OB149',
        place: { line: 5, column: 3 },
        advice: 'Name one of docker.a, docker.b, or remove it.',
      },
      { kind: 'defect', id: 'OB149', place: { line: 7, column: 5 } },
    ])
  })

  it('is told of where it is in a build', async () => {
    const { findings } = await readText(
      `${SOURCES}build {\n  sources = ["docker.a", "docker.b"]\n  hcp_packer_registry {}\n  other {}\n}`,
    )
    expect(findings).toMatchObject([
      { kind: 'differs', id: 'OB144', place: { file: 't.pkr.hcl', line: 5, column: 3 } },
      { kind: 'todo', id: 'OB144', place: { file: 't.pkr.hcl', line: 6, column: 3 } },
    ])
  })
})

describe('the variables of a template', () => {
  it('have defaults, descriptions and places', async () => {
    const { variables } = await readText(
      `variable "a" {
  type = string
  default = "x"
  description = "What."
}
variable "b" { sensitive = true }
variable "c" { default = env("C") }
variable "d" { default = null }
variables {
  e = 5
}
${SOURCES}build { sources = ["docker.a", "docker.b"] }`,
      { ...NOTHING_GIVEN, env: { C: 'from outside' } },
    )
    const at = (line: number, column = 1) => ({ file: 't.pkr.hcl', line, column })
    expect(variables).toEqual([
      { name: 'a', place: at(1), description: 'What.', sensitive: false, default: 'x', value: 'x' },
      { name: 'b', place: at(6), sensitive: true },
      { name: 'c', place: at(7), sensitive: false, env: 'C', default: '', value: 'from outside' },
      { name: 'd', place: at(8), sensitive: false, default: null, value: null },
      { name: 'e', place: at(10, 3), sensitive: false, default: 5, value: 5 },
    ])
  })

  it('have no default that is made of the environment', async () => {
    const text = `variable "a" { default = "x-\${env("TOKEN")}" }\n${SOURCES}build { sources = ["docker.a", "docker.b"] }`
    const { variables, findings } = await readText(text, { ...NOTHING_GIVEN, env: { TOKEN: 'hidden' } })
    expect(variables).toMatchObject([{ name: 'a', value: 'x-hidden' }])
    expect(variables[0]).not.toHaveProperty('default')
    expect(findings).toMatchObject([{ kind: 'differs', id: 'OB140', says: expect.not.stringContaining('hidden') }])
  })

  it.each<[string, Record<string, string>, Value]>([
    ['type = number', { v: '5' }, 5],
    ['type = bool', { v: 'true' }, true],
    ['type = list(string)', { v: '["a", "b"]' }, ['a', 'b']],
    ['type = map(string)', { v: '{ a = 1 }' }, { a: '1' }],
    ['default = "d"', { v: '["a"]' }, '["a"]'],
    ['type = any', { v: '${x}' }, '${x}'],
  ])('with %s take --var %j', async (declared, vars, value) => {
    const { variables } = await readText(
      `variable "v" {\n  ${declared}\n}\n${SOURCES}build { sources = ["docker.a"] }`,
      { ...NOTHING_GIVEN, vars },
    )
    expect(variables[0]!.value).toEqual(value)
  })

  it.each<[string, Record<string, string>, string]>([
    ['type = number', { v: 'x' }, '--var v does not fit the type'],
    ['type = list(string)', { v: '"x"' }, '--var v does not fit the type'],
    ['type = string', { w: 'x' }, "no variable 'w'"],
  ])('with %s refuse --var %j', async (declared, vars, message) => {
    const text = `variable "v" {\n  ${declared}\n}\n${SOURCES}build { sources = ["docker.a"] }`
    await expect(readText(text, { ...NOTHING_GIVEN, vars })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(message),
    })
  })
})
