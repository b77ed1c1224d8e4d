import { execFileSync } from 'node:child_process'
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { archive, rawMember, rawPax } from './raw-tar.ts'
import { tarDamage } from './tar-damage.ts'

const FORMATS = [
  ...['--format=v7', '--format=ustar', '--format=oldgnu', '--format=gnu', '--format=pax'].map((one) => [one]),
  ['--format=pax', '--xattrs', '--owner=:4294967294', '--mtime=@-5.5'],
  ...['0.0', '0.1', '1.0'].map((version) => ['--format=pax', '--sparse', `--sparse-version=${version}`]),
  ['--format=oldgnu', '--sparse'],
]

/** Small archives of a small tree, in every format that GNU tar writes, and one that no tar would write. */
export function honestArchives(): Buffer[] {
  const folder = mkdtempSync(join(tmpdir(), 'ocibake-fuzz-'))
  try {
    return [...writtenByTar(folder), odd()]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function writtenByTar(root: string): Buffer[] {
  const long = 'long-'.repeat(19)
  mkdirSync(join(root, 'd', long), { recursive: true })
  writeFileSync(join(root, 'd/file'), 'some bytes\n'.repeat(60))
  writeFileSync(join(root, 'd', long, `${long}f`), 'x')
  chmodSync(join(root, 'd/file'), 0o4711)
  linkSync(join(root, 'd/file'), join(root, 'hard'))
  symlinkSync('../d/file', join(root, 'symlink'))
  writeFileSync(join(root, 'sparse'), 'begin')
  truncateSync(join(root, 'sparse'), 300_000)
  execFileSync('mkfifo', [join(root, 'pipe')])
  const args = ['--sort=name', '-cf', '-', '-C', root]
  const namesFor = new Map([
    ['--format=v7', ['hard', 'symlink']],
    ['--format=ustar', ['d', 'hard']],
  ])
  const whole = FORMATS.map((format) => {
    return execFileSync('tar', [...format, '--exclude=./sparse', ...args, ...(namesFor.get(format[0]!) ?? ['.'])])
  })
  const sparse = FORMATS.slice(-4).map((format) => execFileSync('tar', [...format, ...args, 'sparse', 'hard']))
  return [...whole, ...sparse]
}

function odd(): Buffer {
  const records: [string, string][] = [
    ['path', 'p/q'],
    ['SCHILY.xattr.user.x', '\0\xff'],
  ]
  return archive(rawPax([['comment', 'c']], 'g'), rawPax(records), rawMember({}, 'x'), rawMember({ name: 'p/.wh.r' }))
}

/** One of the archives, damaged; a counterexample shows its size alone: seed and path make it again. */
export function damagedArchive(archives: () => readonly Buffer[]): fc.Arbitrary<Buffer> {
  return fc.tuple(fc.nat(), tarDamage).map(([which, spoil]) => {
    const all = archives()
    const bytes = Buffer.from(spoil(all[which % all.length]!))
    const shown = () => `an archive of ${bytes.length} bytes`
    return Object.defineProperty(bytes, fc.toStringMethod, { value: shown })
  })
}
