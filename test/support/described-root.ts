import { createHash } from 'node:crypto'
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { execa } from 'execa'
import { tool } from './skopeo.ts'

/** What a root on this machine's disk holds, by path (`/etc/passwd`, bytes as latin1): everything but times. */
export type DescribedRoot = ReadonlyMap<string, DescribedEntry>

export interface DescribedEntry {
  /** `file 4755 0:0 sha256… = /first/name [security.capability=0x…]` */
  readonly text: string
  /** Seconds. */
  readonly mtime: number
}

/**
 * Describes what umoci unpacks to the folder `root`, which is not there yet, of the image `layout:tag`. `umoci unpack`
 * would read all files once more, for a list of their digests that nobody needs. Needs root, and Debian's `attr`.
 */
export async function describeImage(image: string, root: string): Promise<DescribedRoot> {
  await tool('umoci', ['raw', 'unpack', '--image', image, root])
  return await describeRoot(root)
}

/** Describes every entry below `root`, and `root` itself as `/`. Needs root, and Debian's `attr`. */
export async function describeRoot(root: string): Promise<DescribedRoot> {
  const xattrs = await xattrsBelow(root)
  const firstNames = new Map<bigint, string>()
  const described = new Map<string, DescribedEntry>()
  const visit = (path: string) => {
    const at = Buffer.from(root + path, 'latin1')
    const stat = lstatSync(at, { bigint: true })
    const words = [
      (stat.mode & 0o7777n).toString(8).padStart(4, '0'),
      `${stat.uid}:${stat.gid}`,
      whatIsIn(at, stat),
      sameAs(path, stat, firstNames),
      xattrs.get(path) ?? '',
    ]
    described.set(path || '/', {
      text: `${kindOf(stat)} ${words.filter((word) => word !== '').join(' ')}`,
      mtime: Number(stat.mtimeNs / 1_000_000_000n),
    })
    if (!stat.isDirectory()) return
    const names = readdirSync(at, { encoding: 'latin1' }).sort()
    for (const name of names) visit(`${path}/${name}`)
  }
  visit('')
  return described
}

function kindOf(stat: BigIntStats): string {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  if (stat.isSymbolicLink()) return 'symlink'
  if (stat.isCharacterDevice()) return 'char'
  if (stat.isBlockDevice()) return 'block'
  return stat.isFIFO() ? 'fifo' : 'socket'
}

function whatIsIn(at: Buffer, stat: BigIntStats): string {
  if (stat.isFile()) return createHash('sha256').update(readFileSync(at)).digest('hex')
  if (stat.isSymbolicLink()) return `-> ${readlinkSync(at, { encoding: 'latin1' })}`
  return stat.isCharacterDevice() || stat.isBlockDevice() ? `device ${stat.rdev}` : ''
}

function sameAs(path: string, stat: BigIntStats, firstNames: Map<bigint, string>): string {
  if (stat.isDirectory() || stat.nlink === 1n) return ''
  const first = firstNames.get(stat.ino)
  firstNames.set(stat.ino, first ?? path)
  return first === undefined ? `(${stat.nlink} names)` : `= ${first}`
}

async function xattrsBelow(root: string): Promise<Map<string, string>> {
  const options = ['--recursive', '--physical', '--no-dereference', '--dump', '--match=-', '--encoding=hex']
  const { stdout } = await execa('getfattr', [...options, '.'], { cwd: root, encoding: 'latin1' })
  const found = new Map<string, string>()
  for (const block of stdout.split('\n\n')) {
    const [head, ...attributes] = block.split('\n').filter((line) => line !== '')
    // getfattr(1) writes bytes that are not plain as \\ooo.
    const name = head?.slice('# file: '.length).replace(/\\([0-7]{3})/g, (_, octal) => byte(octal))
    if (name !== undefined) found.set(name === '.' ? '' : `/${name}`, `[${attributes.sort().join(' ')}]`)
  }
  return found
}

const byte = (octal: string) => String.fromCharCode(Number.parseInt(octal, 8))
