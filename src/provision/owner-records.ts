import { OcibakeError } from '../errors.ts'
import type { ByteString } from '../oci/name.ts'
import { type Attrs, NO_XATTRS, type Special, sameXattrs } from '../oci/node.ts'

/** What a file of a laid-out root would be if the builder were root, where the disk says something else. */
export interface OwnerRecord {
  readonly uid: number
  readonly gid: number
  /** Permission bits; null: the disk's are the true ones. */
  readonly mode: number | null
  /** For the empty file that stands for a device on the disk. */
  readonly device: Device | null
  /** Those that the disk does not hold. */
  readonly xattrs: Attrs['xattrs']
}

export interface Device extends Pick<Special, 'major' | 'minor'> {
  readonly type: 'character' | 'block'
}

/** By `Stamp.identity`: `DEVICE:INODE-BORN`. A file that is not in it is 0:0, and all else is what the disk says. */
export type OwnerRecords = ReadonlyMap<string, OwnerRecord>

export const NO_RECORDS: OwnerRecords = new Map()

/** What is given to the disk for a mode: the builder can read and write, no file is set-id. native/owners.h says the same. */
export function modeOnDisk(mode: number, isDirectory: boolean): number {
  return isDirectory ? mode | 0o700 : (mode & 0o1777) | 0o600
}

export function sameRecord(a: OwnerRecord | undefined, b: OwnerRecord | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  if (a.uid !== b.uid || a.gid !== b.gid || a.mode !== b.mode || !sameXattrs(a.xattrs, b.xattrs)) return false
  return a.device?.type === b.device?.type && a.device?.major === b.device?.major && a.device?.minor === b.device?.minor
}

/** The records as the native helper reads them on fd 4 and writes them on fd 5; native/owners.h describes the form. */
export function encodeRecords(records: OwnerRecords): Buffer {
  const parts: Uint8Array[] = []
  for (const [identity, { uid, gid, mode, device, xattrs }] of records) {
    const type = device === null ? '-' : device.type === 'character' ? 'c' : 'b'
    const fields = [
      ...['owner', ...identity.split(/[:-]/), uid, gid, mode?.toString(8) ?? '-', type],
      ...[device?.major ?? 0, device?.minor ?? 0, xattrs.size],
    ]
    parts.push(Buffer.from(`${fields.join('\0')}\0`))
    for (const [name, value] of xattrs) parts.push(Buffer.from(`${name}\0${value.byteLength}\0`, 'latin1'), value)
  }
  return Buffer.concat(parts)
}

/** @throws SANDBOX_UNAVAILABLE when the end is missing: the helper was killed while it wrote */
export function decodeRecords(bytes: Buffer): OwnerRecords {
  const records = new Map<string, OwnerRecord>()
  let at = 0
  const field = () => {
    const end = bytes.indexOf(0, at)
    if (end < 0) throw cut()
    const text = bytes.toString('latin1', at, end)
    at = end + 1
    return text
  }
  while (field() === 'owner') {
    const identity = `${field()}:${field()}-${field()}`
    const [uid, gid] = [Number(field()), Number(field())]
    const [mode, type] = [field(), field()]
    const [major, minor] = [Number(field()), Number(field())]
    const xattrs = new Map<ByteString, Uint8Array>()
    for (let left = Number(field()); left > 0; left--) {
      const name = field()
      const size = Number(field())
      xattrs.set(name, Buffer.from(bytes.subarray(at, at + size)))
      at += size
    }
    records.set(identity, {
      uid,
      gid,
      mode: mode === '-' ? null : Number.parseInt(mode, 8),
      device: type === '-' ? null : { type: type === 'c' ? 'character' : 'block', major, minor },
      xattrs: xattrs.size === 0 ? NO_XATTRS : xattrs,
    })
  }
  return records
}

function cut(): OcibakeError {
  return new OcibakeError('SANDBOX_UNAVAILABLE', "The sandbox's records of owners end too early: it was killed.")
}
