import { join } from 'node:path'
import { execa } from 'execa'
import memcached from '../../specs/memcached.spec.ts'
import type { RunStep } from '../../src/provision/step.ts'
import { SPECS } from './cli.ts'

/**
 * The root that specs/memcached.spec.ts means, made in `folder` by standard tools (reference-root.sh) from the base
 * `layout:tag` and the tarball. @returns the root's path
 */
export async function referenceRoot(base: string, tarball: string, folder: string): Promise<string> {
  const { steps = [] } = memcached({ vars: {}, env: {}, platform: 'linux/amd64' })
  const [install, , purge] = steps.filter((step): step is RunStep => 'run' in step)
  const env = { INSTALL: scriptOf(install!), PURGE: scriptOf(purge!) }
  const script = join(import.meta.dirname, 'reference-root.sh')
  await execa('bash', [script, base, SPECS, tarball, folder], { env })
  return join(folder, 'rootfs')
}

const scriptOf = ({ run }: RunStep) => (typeof run === 'string' ? run : run.join('\n'))
