import type { Content } from './content.ts'
import { openRegular } from './local-file.ts'

/** The files of an image on disk, in a folder or in an archive, by their paths in it. */
export interface LocalBlobs {
  /** undefined if there is no such file. @throws LAYOUT_INVALID if it is no regular file */
  find(path: string): Promise<LocalBlob | undefined>
  /** Safe to call twice. */
  close(): Promise<void>
}

export interface LocalBlob extends Content {
  /** The bytes from `start` on. */
  read(start: number): AsyncIterable<Uint8Array>
}

const CHUNK = 1 << 20

/** The files below a folder. Links are refused: such a folder may come from anywhere. */
export function folderBlobs(folder: string): LocalBlobs {
  return {
    find: async (path) => {
      const file = await openRegular(`${folder}/${path}`, 'refused')
      if (file === undefined) return undefined
      const { size } = await file.stat().finally(() => file.close())
      const read = (start: number) => readFrom(`${folder}/${path}`, start)
      return { size, read, open: () => read(0) }
    },
    close: async () => {},
  }
}

async function* readFrom(path: string, start: number): AsyncGenerator<Uint8Array> {
  const file = await openRegular(path, 'refused')
  try {
    for (let at = start; file !== undefined; ) {
      const buffer = Buffer.allocUnsafe(CHUNK)
      const { bytesRead } = await file.read(buffer, 0, CHUNK, at)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
      at += bytesRead
    }
  } finally {
    await file?.close()
  }
}
