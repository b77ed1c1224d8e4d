import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bake } from './cli.ts'
import { debianBase } from './debian-base.ts'
import { madeOnce } from './made-once.ts'

/** The folder with an OCI layout, `base` at the tag `base`: the small Debian with Python and its bindings for apt. */
export async function pythonBase(): Promise<string> {
  const debian = await debianBase()
  const folder = await madeOnce('python-base', async (making) => {
    const run = [
      'apt-get update',
      'apt-get install -y --no-install-recommends python3 python3-apt',
      'rm -rf /var/lib/apt/lists/*',
    ]
    const spec = { from: `oci:${debian}:base`, steps: [{ run, env: { DEBIAN_FRONTEND: 'noninteractive' } }] }
    await writeFile(join(making, 'python.spec.json'), JSON.stringify(spec))
    await bake(['build', 'python.spec.json', '--output', 'oci:base:base'], { cache: making, cwd: making })
  })
  return join(folder, 'base')
}
