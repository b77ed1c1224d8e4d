import type { ImageTexts } from './image-texts.ts'

const FOLDERS = ['var/lib/rpm', 'usr/lib/sysimage/rpm', 'usr/share/rpm']
/** SQLite's, ndb's, Berkeley DB's. */
const NAMES = ['rpmdb.sqlite', 'Packages.db', 'Packages']

/** Notes that there are packages of rpm, whose databases are in three formats of their own. */
export function noteRpms(texts: ImageTexts): void {
  for (const name of FOLDERS.flatMap((folder) => NAMES.map((name) => `${folder}/${name}`))) {
    const found = texts.at(name)
    if (found?.node.kind === 'file')
      texts.unread.add(found.path, 'its packages, which rpm has installed, are missing here')
  }
}
