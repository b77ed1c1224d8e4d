/**
 * node --no-flush-bytecode train.ts PARTS CODE COMMAND
 * Has the program whose parts are in the folder PARTS do what COMMAND (build or validate) does, with servers of its own on
 * loopback, and keeps in the folder CODE what V8 has compiled for it: code of just the functions that are called. Part of
 * scripts/bundle.ts.
 */
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { gzipSync } from 'node:zlib'
import type { main as realMain } from '../src/cli/main.ts'
import { Parts } from '../src/cli/parts.ts'
import { startS3 } from '../test/support/s3.ts'
import { tarArchive } from '../test/support/tar-archive.ts'
import { noise, trainingImage } from './training/image.ts'
import { startMemoryRegistry } from './training/registry.ts'

const SPEC = `export default ({ vars }) => ({
  from: vars.base,
  layers: vars.layers,
  steps: [
    { copy: 'rootfs/', to: '/' },
    { copy: 'opt/', to: '/opt/' },
    { unpack: 's3://training/program.tar.gz', to: '/opt/program', stripComponents: 2, wildcards: ['*/files'] },
    { write: '/etc/motd', text: 'welcome' },
    { own: '/opt/program', by: '65100:65100' },
    { chmod: '/opt/program/bin', mode: 'u=rwX,go=rX' },
    { remove: ['/usr/share/package-1'] },
  ],
  config: { env: { VERSION: '1' }, expose: [80], user: '65100', entrypoint: ['/opt/program/bin/run'], cmd: ['serve'] },
  tags: [vars.out],
})
`

const [partsFolder = '', codeFolder = '', command = ''] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'ocibake-training-'))
try {
  await train()
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function train(): Promise<void> {
  await writeSources()
  const registry = await startMemoryRegistry(trainingImage())
  const s3 = await startS3()
  s3.createBucket('training')
  s3.put('training', 'program.tar.gz', gzipSync(programTar()))
  // The SDK reads the process's own.
  Object.assign(process.env, s3.env)

  const parts = new Parts(partsFolder, { code: () => codeFolder, called: (name) => `ocibake/${name}`, use: command })
  const { main } = parts.load('main.cjs') as { main: typeof realMain }
  for (const layers of ['squash', 'append']) {
    const vars = Object.entries({ base: `${registry.host}/base:1`, layers, out: `${registry.host}/image:${layers}` })
    const words = [
      command,
      join(folder, 'image.spec.ts'),
      ...vars.flatMap(([name, value]) => ['--var', `${name}=${value}`]),
    ]
    if (command !== 'build') await run(main, words)
    else {
      await runBuilds(main, [...words, '--cache-dir', join(folder, layers)])
      await runShared(main, [...words, '--cache-repo', `${registry.host}/cache`], join(folder, `${layers}-shared`))
    }
  }
  await Promise.all([registry.stop(), s3.stop()])
  // V8 knows what it compiled by its settings: those of whoever takes it. Until now it has kept all functions.
  setFlagsFromString('--flush-bytecode')
  parts.keep()
}

/** Anew, with one file changed, and with nothing. */
async function runBuilds(main: typeof realMain, words: readonly string[]): Promise<void> {
  for (const isChanged of [true, true, false]) {
    if (isChanged) await appendFile(join(folder, 'opt/scripts/run.sh'), '# changed\n')
    await run(main, [...words, '--push', '--progress', 'plain'])
  }
}

/** On one machine, and with one file changed on another, which finds in a registry what the first has left there. */
async function runShared(main: typeof realMain, words: readonly string[], store: string): Promise<void> {
  for (const machine of [1, 2]) {
    await appendFile(join(folder, 'opt/scripts/run.sh'), '# changed\n')
    await run(main, [...words, '--cache-dir', `${store}-${machine}`, '--push', '--progress', 'plain'])
  }
}

async function run(main: typeof realMain, words: readonly string[]): Promise<void> {
  const said: Buffer[] = []
  const stderr = new Writable({ write: (chunk: Buffer, _, done) => done(void said.push(chunk)) })
  process.argv = [process.execPath, 'ocibake', ...words]
  const around = { env: process.env, home: folder, version: '0', stdin: () => process.stdin, stdout: () => {}, stderr }
  const code = await main(process, around as unknown as Parameters<typeof realMain>[1])
  if (code !== 0) throw new Error(`the training ended with exit code ${code}:\n${Buffer.concat(said)}`)
}

async function writeSources(): Promise<void> {
  await writeFile(join(folder, 'image.spec.ts'), SPEC)
  for (const name of ['rootfs/etc', 'opt/scripts']) await mkdir(join(folder, name), { recursive: true })
  await writeFile(join(folder, 'rootfs/etc/program.conf'), 'port = 80\n')
  await writeFile(join(folder, 'opt/scripts/run.sh'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 })
}

function programTar(): Buffer {
  const files = Array.from({ length: 50 }, (_, i) => ({
    name: `program-1/files/share/${i}`,
    content: `file ${i}\n`.repeat(100 * i),
  }))
  const program = { name: 'program-1/files/bin/run', content: noise('program', 400_000), mode: 0o755 }
  const licence = { name: 'program-1/files/bin/licence', type: 'symlink' as const, target: '../share/1' }
  return tarArchive([program, licence, ...files])
}
