import { readFile } from 'node:fs/promises'

/** What a path lies on: proc(5), `/proc/PID/mountinfo`. */
export interface MountedAt {
  /** `ext4`, `overlay`, `tmpfs` … */
  readonly type: string
  /** Of the mount and of its file system: `ro`, `nodev`, `noexec` … */
  readonly options: ReadonlySet<string>
}

/** @param path real and absolute; undefined where /proc does not say */
export async function mountedAt(path: string): Promise<MountedAt | undefined> {
  return parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''), path)
}

/** The mount that covers `path`: the deepest, of those the last, which lies over the others. */
export function parseMountInfo(text: string, path: string): MountedAt | undefined {
  let found: MountedAt | undefined
  let depth = 0
  for (const line of text.split('\n')) {
    const [before = '', after] = line.split(' - ')
    const [point, options] = before.split(' ').slice(4)
    const [type, , whole] = after?.split(' ') ?? []
    if (point === undefined || options === undefined || type === undefined) continue
    const place = point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    const covers = place === '/' || path === place || path.startsWith(`${place}/`)
    if (!covers || place.length < depth) continue
    depth = place.length
    found = { type, options: new Set([...options.split(','), ...(whole ?? '').split(',')]) }
  }
  return found
}
