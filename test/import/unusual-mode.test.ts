import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { importDockerfile } from '../../src/import/dockerfile/import-dockerfile.ts'
import type { Imported } from '../../src/import/imported.ts'
import { importTemplate } from '../../src/import/packer/import-template.ts'
import { readTemplate } from '../../src/import/read-template.ts'
import { SourceText } from '../../src/import/source-text.ts'
import { testFolder } from '../support/folder.ts'

function ofDockerfile(folder: string): Imported {
  const source = new SourceText('Dockerfile', 'FROM debian\nCOPY all /all/\nCOPY all/one /one')
  return importDockerfile(source, { current: folder, spec: folder, vars: {}, target: undefined, lift: true })
}

async function ofTemplate(folder: string): Promise<Imported> {
  const file = (source: string, destination: string) => ({ type: 'file', source, destination })
  const provisioners = [file('all/', '/all'), file('all/one', '/one')]
  const document = { builders: [{ type: 'docker', image: 'debian', commit: true }], provisioners }
  await writeFile(join(folder, 'it.json'), JSON.stringify(document))
  const read = await readTemplate(join(folder, 'it.json'), { vars: {}, varFiles: [], env: {}, cwd: folder })
  const folders = { current: folder, spec: folder }
  return importTemplate(read, { folders, bases: new Map(), lift: true, env: {}, isWanted: () => true })
}

it.each([
  ['0640', true],
  ['0600', true],
  ['04755', true],
  ['0644', false],
  ['0664', false],
  ['0755', false],
])('a file of mode %s keeps it, or is told of in a folder, if that is no accident: %s', async (mode, isKept) => {
  const folder = await testFolder()
  await mkdir(join(folder, 'all/.hidden'), { recursive: true })
  for (const name of ['one', '.hidden/two']) {
    await writeFile(join(folder, 'all', name), '')
    await chmod(join(folder, 'all', name), Number.parseInt(mode, 8))
  }
  for (const [{ images, findings }, id] of [
    [ofDockerfile(folder), 'OB232'],
    [await ofTemplate(folder), 'OB172'],
  ] as const) {
    expect(images[0]!.draft.steps.map(({ step }) => step?.mode)).toEqual([undefined, isKept ? mode : undefined])
    const told = findings.filter((finding) => finding.id === id)
    expect(told).toMatchObject(isKept ? [{ says: expect.stringContaining('.hidden/two, one') }] : [])
  }
})
