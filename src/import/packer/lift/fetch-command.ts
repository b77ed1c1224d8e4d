import { basename, posix } from 'node:path'
import { absolutePath } from './items-of-script.ts'

/** A download that a script makes. */
export interface FetchCommand {
  readonly source: string
  /** Where it lands in the image; undefined: on standard output. */
  readonly file: string | undefined
}

/** What a command downloads; undefined when it does anything else, or does it in a way that a step does not. */
export function readFetch(words: readonly string[], cwd: string | undefined): FetchCommand | undefined {
  const [program = '', ...rest] = words
  const name = basename(program)
  if (name === 's5cmd') return readS5cmd(rest, cwd)
  if (name === 'aws') return readAws(rest, cwd)
  if (name === 'wget') return readWget(rest, cwd)
  if (name === 'curl') return readCurl(rest, cwd)
  return undefined
}

/** Takes flags away; undefined when there is one that is not known. */
function operands(words: readonly string[], flags: readonly string[], valued: readonly string[]): string[] | undefined {
  const found: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    const [option = word] = word.split('=', 1)
    if (!word.startsWith('-') || word === '-') found.push(word)
    else if (valued.includes(option)) at += word.includes('=') ? 0 : 1
    else if (!flags.includes(word)) return undefined
  }
  return found
}

function readS5cmd(words: readonly string[], cwd: string | undefined): FetchCommand | undefined {
  const valued = ['--log', '--numworkers', '-numworkers', '--retry-count', '-r', '--concurrency', '-c']
  const known = operands(words, ['--stat', '-stat', '--json'], valued)
  const [command, source, target, ...others] = known ?? []
  if (command !== 'cp' || target === undefined || others.length > 0) return undefined
  return fromS3(source!, target, cwd)
}

function readAws(words: readonly string[], cwd: string | undefined): FetchCommand | undefined {
  const known = operands(words, ['--quiet', '--no-progress', '--only-show-errors', '--no-cli-pager'], ['--region'])
  const [service, command, source, target, ...others] = known ?? []
  if (service !== 's3' || command !== 'cp' || target === undefined || others.length > 0) return undefined
  return fromS3(source!, target, cwd)
}

function fromS3(source: string, target: string, cwd: string | undefined): FetchCommand | undefined {
  if (!/^s3:\/\/[^/*?]+\/[^*?]*[^/*?]$/.test(source)) return undefined
  if (target === '-') return { source, file: undefined }
  const path = absolutePath(target, cwd)
  if (path === undefined) return undefined
  const isFolder = /(^|\/)\.?$/.test(target)
  return { source, file: isFolder ? posix.join(path, basename(source)) : path }
}

function readWget(words: readonly string[], cwd: string | undefined): FetchCommand | undefined {
  const { values, rest } = takeValues(words, ['-O', '-P', '--output-document', '--directory-prefix'])
  const flags = ['-q', '-nv', '--quiet', '--no-verbose', '--show-progress', '--progress=dot:giga', '-qO-']
  const url = onlyUrl(operands(rest, flags, ['--tries', '--timeout', '-t', '-T', '--waitretry']))
  const output = values.get('-O') ?? values.get('--output-document')
  const folder = values.get('-P') ?? values.get('--directory-prefix')
  if (url === undefined || (output !== undefined && folder !== undefined)) return undefined
  if (output === '-' || rest.includes('-qO-')) return { source: url, file: undefined }
  const file = absolutePath(output ?? posix.join(folder ?? '.', nameIn(url)), cwd)
  return file === undefined ? undefined : { source: url, file }
}

function readCurl(words: readonly string[], cwd: string | undefined): FetchCommand | undefined {
  const single = words.flatMap((word) =>
    /^-[a-zA-Z]{2,}$/.test(word) ? [...word.slice(1)].map((one) => `-${one}`) : [word],
  )
  const { values, rest } = takeValues(single, ['-o', '--output'])
  const flags = ['-f', '-s', '-S', '-L', '-O', '--fail', '--silent', '--show-error', '--location', '--remote-name']
  const url = onlyUrl(operands(rest, flags, ['--retry', '--retry-delay', '--max-time', '--connect-timeout', '-m']))
  if (url === undefined) return undefined
  const isNamed = rest.includes('-O') || rest.includes('--remote-name')
  const output = values.get('-o') ?? values.get('--output') ?? (isNamed ? nameIn(url) : '-')
  if (output === '-') return { source: url, file: undefined }
  const file = absolutePath(output, cwd)
  return file === undefined ? undefined : { source: url, file }
}

/** Plain http stays a script: steps fetch that from this machine alone. */
function onlyUrl(words: readonly string[] | undefined): string | undefined {
  const [url, ...others] = words ?? []
  return url !== undefined && others.length === 0 && /^https:\/\/[^/?#]+\/[^?#]*$/.test(url) ? url : undefined
}

const nameIn = (url: string) => basename(url)

function takeValues(
  words: readonly string[],
  names: readonly string[],
): { values: Map<string, string>; rest: string[] } {
  const values = new Map<string, string>()
  const rest: string[] = []
  for (let at = 0; at < words.length; at++) {
    const [name = '', inline] = words[at]!.split(/=(.*)/s)
    if (!names.includes(name)) rest.push(words[at]!)
    else values.set(name, inline ?? words[++at] ?? '')
  }
  return { values, rest }
}
