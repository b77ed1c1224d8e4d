import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The files that take a quarter of a minute and more, the longest first. Those that need the Debian base do not stand side
 * by side at the start: the second would wait while the first makes it.
 */
const LONGEST = [
  ...['e2e/ansible', 'e2e/cache-repo', 'e2e/package', 'e2e/sandboxes', 'e2e/import-dockerfile', 'e2e/interrupted'],
  ...['provision/debian', 'native/as-nobody', 'e2e/damaged-store', 'e2e/memcached', 'e2e/bad-input'],
  ...['e2e/sbom', 'e2e/platforms'],
  ...['e2e/import-memcached', 'e2e/bad-output', 'e2e/step-cache', 'e2e/bases', 'native/calls', 'cli/commands'],
  ...['native/recorder', 'e2e/machine', 'oci/layer-start', 'build/unpacked-blocks', 'provision/ansible'],
  ...['e2e/reproducible', 'oci/decompress', 'oci/divide', 'doctor/doctor', 'e2e/append', 'e2e/ansible-cache'],
  ...['cli/import', 'native/random', 'oci/apply-diff', 'provision/fetch-s3', 'cli/refuse-collisions'],
  ...['registry/push-pull'],
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
