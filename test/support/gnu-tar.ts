import { execFileSync, spawnSync } from 'node:child_process'
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readAll } from '../../src/oci/content.ts'
import type { Directory, Node } from '../../src/oci/node.ts'
import { walk } from '../../src/oci/walk.ts'
import type { SelectOptions } from '../../src/provision/select.ts'

export interface Extracted {
  /** Path -> type, mode, and bytes or target; a further name of a file as `link` and its first name. */
  readonly entries: ReadonlyMap<string, string>
  /** Lines that tar wrote to stderr, without `tar: `. */
  readonly complaints: readonly string[]
}

/** Extracts an archive with the real GNU tar in a fresh folder, as root would, and says what is there then. */
export function extractWithTar(archive: Buffer, options: SelectOptions): Extracted {
  const folder = mkdtempSync(join(tmpdir(), 'ocibake-tar-'))
  try {
    writeFileSync(join(folder, 'in.tar'), archive)
    execFileSync('mkdir', [join(folder, 'out')])
    const result = spawnSync('tar', tarArguments(folder, options), {
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' },
      encoding: 'latin1',
    })
    if (result.status !== 0 && result.status !== 2) throw new Error(`tar ended with ${result.status}: ${result.stderr}`)
    const complaints = result.stderr.split('\n').filter((line) => line !== '')
    return {
      entries: listed(join(folder, 'out')),
      complaints: complaints.map((line) => line.replace(/^tar: /, '').replace(/\xe2\x80[\x98\x99]/g, "'")),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function tarArguments(folder: string, { stripComponents = 0, wildcards = [], exclude = [] }: SelectOptions): string[] {
  return [
    '-xf',
    join(folder, 'in.tar'),
    '-C',
    join(folder, 'out'),
    '--no-unquote',
    '--quoting-style=literal',
    '--same-permissions',
    '--no-same-owner',
    `--strip-components=${stripComponents}`,
    ...exclude.map((pattern) => `--exclude=${pattern}`),
    '--wildcards',
    '--',
    ...wildcards,
  ]
}

function listed(root: string): Map<string, string> {
  const entries = new Map<string, string>()
  const inodes = new Map<number, string>()
  const visit = (folder: Buffer, prefix: string) => {
    for (const name of readdirSync(folder, { encoding: 'buffer' }).sort(Buffer.compare)) {
      const path = Buffer.concat([folder, Buffer.from('/'), name])
      const inside = prefix + name.toString('latin1')
      const stat = lstatSync(path)
      const first = inodes.get(stat.ino)
      inodes.set(stat.ino, first ?? inside)
      entries.set(inside, first === undefined ? describeHost(path, stat) : `link ${first}`)
      if (stat.isDirectory()) visit(path, `${inside}/`)
    }
  }
  visit(Buffer.from(root), '')
  return entries
}

function describeHost(path: Buffer, stat: Stats): string {
  const mode = (stat.mode & 0o7777).toString(8)
  if (stat.isDirectory()) return `directory ${mode}`
  if (stat.isSymbolicLink()) return `symlink ${readlinkSync(path, { encoding: 'latin1' })}`
  if (stat.isFile()) return `file ${mode} ${readFileSync(path, 'latin1')}`
  return stat.isFIFO() ? `fifo ${mode}` : `device ${mode}`
}

/** The same of a layer that is in memory. Directories that no member listed have the mode that root's umask 022 gives. */
export async function describeLayer(layer: Directory): Promise<Map<string, string>> {
  const entries = new Map<string, string>()
  const names = new Map<Node, string>()
  for (const [path, node] of walk(layer)) {
    const first = node.kind === 'directory' ? undefined : names.get(node)
    if (first === undefined) names.set(node, path)
    entries.set(path, first === undefined ? await describeNode(node) : `link ${first}`)
  }
  return entries
}

async function describeNode(node: Node): Promise<string> {
  if (node.kind === 'whiteout' || node.kind === 'link') return node.kind
  const mode = (node.attrs?.mode ?? 0o755).toString(8)
  if (node.kind === 'directory') return `directory ${mode}`
  if (node.kind === 'symlink') return `symlink ${node.target}`
  if (node.kind === 'file') return `file ${mode} ${(await readAll(node.content, 1 << 20)).toString('latin1')}`
  return node.type === 'fifo' ? `fifo ${mode}` : `device ${mode}`
}
