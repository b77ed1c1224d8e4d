import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { messageOf, OcibakeError, systemCode } from '../errors.ts'
import { DOCUMENT_LIMIT } from './json.ts'
import { display, fromText } from './name.ts'

/** 'refused': an image folder may come from anywhere, and a link in it would lead out of it. */
export type Symlinks = 'followed' | 'refused'

/**
 * A regular file of an image on disk, open for reading; undefined if there is none. Never waits for a FIFO.
 * The caller closes it.
 * @throws LAYOUT_INVALID for anything but a regular file, and for one that cannot be opened
 */
export async function openRegular(path: string, symlinks: Symlinks): Promise<FileHandle | undefined> {
  const noFollow = symlinks === 'refused' ? constants.O_NOFOLLOW : 0
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | noFollow)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw refused(
      path,
      code === 'ELOOP' ? 'is a symlink; wanted a regular file' : `cannot be read: ${messageOf(error)}`,
    )
  }
  const isFile = await file.stat().then((stat) => stat.isFile())
  if (isFile) return file
  await file.close()
  throw refused(path, 'is no regular file')
}

/** All bytes of a small document on disk; undefined if there is none. @throws LAYOUT_INVALID also above 4 MiB */
export async function readDocumentFile(path: string, symlinks: Symlinks): Promise<Buffer | undefined> {
  const file = await openRegular(path, symlinks)
  if (file === undefined) return undefined
  try {
    const { size } = await file.stat()
    if (size > DOCUMENT_LIMIT) throw refused(path, `has ${size} bytes; at most ${DOCUMENT_LIMIT} are read`)
    return await file.readFile()
  } finally {
    await file.close()
  }
}

function refused(path: string, fault: string): OcibakeError {
  return new OcibakeError('LAYOUT_INVALID', `${display(fromText(path))} ${fault}.`)
}
