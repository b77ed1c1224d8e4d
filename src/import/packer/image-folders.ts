import { posix } from 'node:path'

/** Folders that every base has, but for the emptiest. */
const USUAL = [
  ...[
    '/',
    '/bin',
    '/boot',
    '/dev',
    '/etc',
    '/home',
    '/lib',
    '/media',
    '/mnt',
    '/opt',
    '/proc',
    '/root',
    '/run',
    '/sbin',
  ],
  ...['/srv', '/sys', '/tmp', '/usr', '/usr/bin', '/usr/lib', '/usr/local', '/usr/local/bin', '/usr/local/lib'],
  ...[
    '/usr/local/sbin',
    '/usr/local/share',
    '/usr/sbin',
    '/usr/share',
    '/var',
    '/var/cache',
    '/var/lib',
    '/var/log',
    '/var/tmp',
  ],
]

/** Which folders of the image are known to exist at a place of the template. */
export class ImageFolders {
  readonly #known: Set<string>

  /** @param known what the base has */
  constructor(known: Iterable<string> = USUAL) {
    this.#known = new Set(known)
  }

  get all(): Iterable<string> {
    return this.#known
  }

  has(path: string): boolean {
    return this.#known.has(normal(path))
  }

  /** With all that it is in. */
  add(path: string): void {
    for (let folder = normal(path); !this.#known.has(folder); folder = posix.dirname(folder)) this.#known.add(folder)
  }
}

function normal(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/, '')
}
