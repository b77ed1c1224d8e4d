import { readdir, readFile, stat } from 'node:fs/promises'
import { isDockerfile } from './is-dockerfile.ts'

/** The path is that of a Packer template or a Dockerfile, as far as its name, or its first look, says. */
export async function isTemplate(path: string): Promise<boolean> {
  if (isDockerfile(path) || /\.pkr\.(hcl|json)$/.test(path)) return true
  try {
    if ((await stat(path)).isDirectory()) return (await readdir(path)).some((name) => name.endsWith('.pkr.hcl'))
    // Specs may be JSON too, and templates as people have them are none to a strict reader.
    return path.endsWith('.json') && /"builders"\s*:/.test(await readFile(path, 'utf8'))
  } catch {
    // Whoever reads it says what is wrong.
    return false
  }
}
