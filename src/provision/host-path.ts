import { type ByteString, toBytes } from '../oci/name.ts'

/** The path of a tree below a folder of the host, for calls of node:fs. Bytes where the name is not plain ASCII. */
export function hostPath(folder: string, path: ByteString): string | Buffer {
  if (path === '') return folder
  if (/^[\x01-\x7f]*$/.test(path)) return `${folder}/${path}`
  return Buffer.concat([Buffer.from(`${folder}/`), toBytes(path)])
}
