import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readTemplate } from '../../src/import/read-template.ts'
import type { TemplateInputs } from '../../src/import/template-inputs.ts'
import { testFolder } from '../support/folder.ts'
import { outline } from '../support/template-outline.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures')
const NOTHING: TemplateInputs = { vars: {}, varFiles: [], env: { HOME: '/home/me' }, cwd: FIXTURES }

describe('readTemplate', () => {
  it.each<[string, Partial<TemplateInputs>, string?]>([
    ['memcached/memcached.pkr.hcl', {}],
    ['variables/app.pkr.hcl', {}],
    [
      'variables/app.pkr.hcl',
      { vars: { version: '2', debug: 'true', registry: 'r' }, env: { APP_TOKEN: 't' } },
      'given',
    ],
    ['folder', {}],
    [
      'folder/',
      {
        varFiles: ['folder/other.pkrvars.hcl'],
        vars: { port: '9001' },
        env: { PKR_VAR_release: '7', PKR_VAR_suite: 'sid', PKR_VAR_registry: 'env.example.com' },
      },
      'given',
    ],
    ['heredocs/app.pkr.hcl', {}],
    ['several/images.pkr.hcl', {}],
    ['pinned/app.pkr.hcl', {}],
    ['rendered/app.pkr.hcl', {}],
    ['odd-quoting/odd.pkr.hcl', {}],
    ['redis/redis.json', {}],
    ['ami/iteration-1.json', {}],
    ['ami/iteration-2.json', {}],
    ['ami/iteration-3.json', {}],
    ['ami/iteration-4.json', {}],
    ['clouds/clouds.json', {}],
    ['nested-json/nested.json', {}],
    ['nested-json/nested.json', { varFiles: ['nested-json/values.json'], vars: { workers: '16' } }, 'given'],
    ['broken-json/broken.json', {}],
  ])('reads %s (%j)', async (path, given, suffix) => {
    const template = await readTemplate(path, { ...NOTHING, ...given })
    const name = [path.replace(/\/$/, '').replace(/\.(pkr\.hcl|json)$/, ''), suffix].filter(Boolean).join('-')
    await expect(outline(template)).toMatchFileSnapshot(join(FIXTURES, `outlines/${name.replaceAll('/', '-')}.txt`))
  })

  it('takes variables from the environment, from files and from the command line, the last the strongest', async () => {
    const given = async (more: Partial<TemplateInputs>) => {
      const { variables } = await readTemplate('folder', { ...NOTHING, ...more })
      return variables.find(({ name }) => name === 'port')!.value
    }
    const env = { PKR_VAR_port: '1' }
    const varFiles = ['folder/other.pkrvars.hcl']
    expect(await given({ env })).toBe(8081)
    // All files in JSON come after all in HCL.
    expect(await given({ env, varFiles })).toBe(8081)
    expect(await given({ env, varFiles: [...varFiles, 'folder/third.json'] })).toBe(7000)
    expect(await given({ env, varFiles, vars: { port: '2' } })).toBe(2)
  })

  it('names files as the user does', async () => {
    const at = join(FIXTURES, 'folder')
    expect((await readTemplate(at, NOTHING)).files[0]).toBe(join(at, 'build.pkr.hcl'))
    const { files, builds } = await readTemplate('.', { ...NOTHING, cwd: at })
    expect(files).toEqual([
      'build.pkr.hcl',
      'source.pkr.hcl',
      'variables.pkr.hcl',
      'a.auto.pkrvars.hcl',
      'b.auto.pkrvars.json',
    ])
    expect(builds[0]!.provisioners[0]!.attributes.get('source')!.value).toBe('./files/nginx.conf')
  })

  it.each<[string, string, string]>([
    ['none.pkr.hcl', 'TEMPLATE_NOT_FOUND', "no template 'none.pkr.hcl'"],
    ['functions/files', 'TEMPLATE_NOT_FOUND', 'has no .pkr.hcl file'],
    ['ami', 'TEMPLATE_NOT_FOUND', 'has no .pkr.hcl file'],
    ['folder/variables.pkr.hcl', 'TEMPLATE_INVALID', 'has no `build` block'],
    ['folder/build.pkr.hcl', 'TEMPLATE_INVALID', 'The build at folder/build.pkr.hcl:1 has no source'],
    ['functions/files/bytes', 'TEMPLATE_INVALID', 'is no text in UTF-8'],
  ])('refuses %s with %s', async (path, code, message) => {
    await expect(readTemplate(path, NOTHING)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  it.each<[string, string, Partial<TemplateInputs>, string, string]>([
    ['t.pkr.json', '{}', {}, 'TEMPLATE_INVALID', 't.pkr.json is HCL2 in JSON syntax'],
    ['t.json', '{}', {}, 'TEMPLATE_INVALID', 't.json:1:1: The template has no "builders"'],
    ['t.json', '[]', {}, 'TEMPLATE_INVALID', 't.json:1:1: The template is no object'],
    ['t.json', '', {}, 'TEMPLATE_INVALID', 't.json:1:1: the file ends in the middle'],
    [
      't.json',
      '{\n "builders": [ { "type": "x" "image": "y" } ] }',
      {},
      'TEMPLATE_INVALID',
      `t.json:2:30: '"' is not expected`,
    ],
    ['t.json', '{ "a": "b\n" }', {}, 'TEMPLATE_INVALID', 't.json:1:8: '],
    ['t.json', '{ "builders": {} }', {}, 'TEMPLATE_INVALID', 't.json:1:15: "builders" is no list'],
    ['t.json', '{ "builders": [{}] }', {}, 'TEMPLATE_INVALID', 't.json:1:16: This builder has no "type"'],
    [
      't.json',
      '{ "builders": [{ "type": "x" }], "variables": { "a": [] } }',
      {},
      'TEMPLATE_INVALID',
      "t.json:1:54: The variable 'a' is no text",
    ],
    ['t.json', '{ "builders": [{ "type": "x" }] }', { vars: { a: '' } }, 'USAGE', "no variable 'a'"],
    ['t.pkr.hcl', '', { varFiles: ['none.hcl'] }, 'TEMPLATE_NOT_FOUND', "variables file 'none.hcl'"],
    [
      't.json',
      '{ "builders": [{ "type": "x" }] }',
      { varFiles: ['none'] },
      'TEMPLATE_NOT_FOUND',
      "variables file 'none'",
    ],
  ])('refuses %s with %j (%j) with %s', async (name, text, given, code, message) => {
    const cwd = await testFolder()
    await writeFile(join(cwd, name), text)
    const read = readTemplate(name, { ...NOTHING, cwd, ...given })
    await expect(read).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  it('refuses JSON that is nested too deep', async () => {
    const cwd = await testFolder()
    await writeFile(join(cwd, 't.json'), '['.repeat(100_000))
    await expect(readTemplate('t.json', { ...NOTHING, cwd })).rejects.toThrow('What t.json holds is nested too deep')
  })

  it('refuses a folder with HCL2 in JSON syntax, since a part of the template would be missing', async () => {
    const cwd = await testFolder()
    await mkdir(join(cwd, 't'))
    await writeFile(join(cwd, 't/a.pkr.hcl'), 'build {}')
    await writeFile(join(cwd, 't/b.pkr.json'), '{}')
    await expect(readTemplate('t', { ...NOTHING, cwd })).rejects.toThrow('t/b.pkr.json is HCL2 in JSON syntax')
  })
})
