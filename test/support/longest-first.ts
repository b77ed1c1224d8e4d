import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The files that take a minute or so, the longest first. Those that need the Debian base do not stand side by side at the
 * start: the second would wait while the first makes it.
 */
const LONGEST = [
  ...['e2e/ansible', 'e2e/cache-repo', 'native/as-nobody', 'e2e/interrupted', 'e2e/sandboxes', 'e2e/package'],
  ...['e2e/import-dockerfile', 'provision/debian', 'e2e/memcached', 'e2e/import-memcached', 'e2e/reproducible'],
  ...['e2e/damaged-store', 'provision/ansible', 'e2e/step-cache', 'e2e/bad-input', 'e2e/bad-output', 'e2e/bases'],
  ...['cli/commands', 'e2e/ansible-cache', 'doctor/doctor', 'cli/import', 'provision/fetch-s3', 'registry/push-pull'],
  ...['e2e/leftovers', 'native/helper'],
]

/**
 * Begins with the long files, so that none of them is alone at the end, when all other workers are done. vitest's own
 * order goes by the size of files on a machine that has not run them before; the others keep it.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`))
      return found === -1 ? LONGEST.length : found
    }
    return (await super.sort(files)).sort((a, b) => place(a) - place(b))
  }
}
