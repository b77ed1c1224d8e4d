import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../errors.ts'

/** One archive that apt reads binary packages from: a `deb` line, or one URI and suite of a deb822 stanza. */
export interface AptSource {
  /** As written, without a trailing slash; may hold `user:password@`. */
  readonly uri: string
  readonly suite: string
  readonly components: readonly string[]
  /** The file that `Signed-By` names; null when the keys stand in the stanza itself or none are named. */
  readonly signedBy: string | null
}

/**
 * The archives that are configured in a `sources.list` and a `sources.list.d`, in apt's order, disabled ones left out.
 * Files that are not there count as empty. `etc` is the folder that holds both. Source: sources.list(5).
 */
export async function readAptSources(etc = '/etc/apt'): Promise<AptSource[]> {
  const found = parseSourcesList(await textOf(join(etc, 'sources.list')))
  const parts = join(etc, 'sources.list.d')
  const names = await readdir(parts).catch((): string[] => [])
  for (const name of names.sort()) {
    if (name.endsWith('.list')) found.push(...parseSourcesList(await textOf(join(parts, name))))
    if (name.endsWith('.sources')) found.push(...parseDeb822Sources(await textOf(join(parts, name))))
  }
  return found
}

/** The `deb` lines of the one-line format; lines that are none of it are passed over. */
export function parseSourcesList(text: string): AptSource[] {
  const found: AptSource[] = []
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+([^\s#]+)([^#]*)/.exec(line)
    if (match === null) continue
    const [, options = '', uri = '', suite = '', rest = ''] = match
    const signedBy = /(?:^|\s)signed-by=([^\s,]+)/i.exec(options)?.[1] ?? null
    found.push({ uri: withoutSlash(uri), suite, components: words(rest), signedBy })
  }
  return found
}

/** The stanzas of the deb822 format, one source for each URI and suite. */
export function parseDeb822Sources(text: string): AptSource[] {
  const found: AptSource[] = []
  // Comments go first: a commented line neither ends a stanza nor a folded field.
  const bare = text.replace(/^#.*\n?/gm, '')
  for (const stanza of bare.split(/\n(?:[ \t]*\n)+/)) {
    const fields = deb822Fields(stanza)
    if (/^(no|false|off|without|disable|0)$/i.test(fields.get('enabled') ?? '')) continue
    if (!words(fields.get('types')).includes('deb')) continue
    const components = words(fields.get('components'))
    const keys = fields.get('signed-by') ?? ''
    const signedBy = keys.startsWith('/') ? (words(keys)[0] ?? null) : null
    for (const uri of words(fields.get('uris'))) {
      for (const suite of words(fields.get('suites'))) {
        found.push({ uri: withoutSlash(uri), suite, components, signedBy })
      }
    }
  }
  return found
}

function deb822Fields(stanza: string): Map<string, string> {
  const fields = new Map<string, string>()
  let name = ''
  for (const line of stanza.split('\n')) {
    const start = /^([^\s:]+):(.*)$/.exec(line)
    if (start !== null) {
      name = start[1]!.toLowerCase()
      fields.set(name, start[2]!.trim())
    } else if (name !== '' && /^[ \t]/.test(line)) {
      fields.set(name, `${fields.get(name)} ${line.trim()}`.trim())
    }
  }
  return fields
}

function words(text = ''): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

function withoutSlash(uri: string): string {
  return uri.replace(/\/+$/, '')
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return ''
    throw error
  }
}
