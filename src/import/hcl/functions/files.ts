import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, relative, resolve } from 'node:path'
import { Fault } from '../../fault.ts'
import { SourceText } from '../../source-text.ts'
import { isFile, statOf } from '../../stat-of.ts'
import { isFields, type Value } from '../../value.ts'
import { asFields, asText } from '../convert.ts'
import { filesBelow } from './file-set.ts'
import type { FunctionTable } from './function.ts'
import type { Surroundings } from './surroundings.ts'

const LARGEST = 1 << 20

/** The functions that read files beside the template. */
export function fileFunctions(surroundings: Surroundings): FunctionTable {
  const at = (path: string) => placeOf(path, surroundings)
  const read = (path: string) => {
    const bytes = contentOf(at(path), path)
    surroundings.wasRead(relative(surroundings.cwd, at(path)) || path)
    return bytes
  }
  const renderer = templateRenderer(surroundings, at)
  return {
    file: { plain: ([path]) => utf8(read(asText(path)), asText(path)) },
    filebase64: { plain: ([path]) => Buffer.from(read(asText(path))).toString('base64') },
    fileexists: { plain: ([path]) => isFile(at(asText(path))) },
    fileset: { plain: ([folder, pattern]) => filesBelow(at(asText(folder)), asText(pattern)) },
    templatefile: {
      plain: ([path, vars]) => renderer(asText(path), asFields(vars)) as string,
      symbolic: renderSymbolic(renderer),
    },
    // As Go's filepath.Base and Dir: a slash at the end is one in front of an empty name.
    basename: { plain: ([path]) => basename(asText(path)) || (asText(path) === '' ? '.' : '/') },
    dirname: { plain: ([path]) => dirname(`${asText(path)}.`) },
  }
}

/** As Packer, beside the template; but `path.root` is relative to the current folder, and people write it before paths. */
function placeOf(path: string, { folder, cwd }: Surroundings): string {
  const beside = resolve(folder, path)
  const fromCwd = resolve(cwd, path)
  return !existsSync(beside) && existsSync(fromCwd) ? fromCwd : beside
}

type Renderer = (path: string, vars: { readonly [name: string]: Value }) => Value

function templateRenderer({ render, cwd, wasRead }: Surroundings, at: (path: string) => string): Renderer {
  let inside = false
  return (path, vars) => {
    if (inside) throw new Fault('templatefile() is used in a file of templatefile()')
    inside = true
    try {
      const file = relative(cwd, at(path)) || path
      const source = new SourceText(file, utf8(contentOf(at(path), path), path))
      const text = render(source, new Map(Object.entries(vars)))
      wasRead(file)
      return text
    } finally {
      inside = false
    }
  }
}

const renderSymbolic =
  (renderer: Renderer) =>
  ([path, vars]: readonly Value[]) =>
    typeof path === 'string' && isFields(vars) ? renderer(path, vars) : undefined

/** @throws Fault for what is no file: pipes and devices have no end */
function contentOf(path: string, named: string): Uint8Array {
  const found = statOf(path)
  if (found === undefined || !found.isFile()) throw new Fault(`there is no file '${named}'`)
  if (found.size > LARGEST) throw new Fault(`the file '${named}' has ${found.size} bytes, too many for a value`)
  try {
    return readFileSync(path)
  } catch {
    throw new Fault(`the file '${named}' cannot be read`)
  }
}

function utf8(bytes: Uint8Array, named: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Fault(`the file '${named}' is no text in UTF-8`)
  }
}
