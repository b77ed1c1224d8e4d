import { OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import type { Store } from '../oci/store.ts'
import type { Sandbox, SandboxBackend, SandboxWishes } from './sandbox.ts'
import { chrootBackend } from './sandbox-chroot.ts'
import { prootBackend } from './sandbox-proot.ts'
import { ptraceBackend } from './sandbox-ptrace.ts'
import { usernsBackend } from './sandbox-userns.ts'

/** From the most faithful to the least. */
export function sandboxBackends(wishes: SandboxWishes): readonly SandboxBackend[] {
  return [chrootBackend, usernsBackend, ptraceBackend, prootBackend(wishes)]
}

export const SANDBOX_NAMES = sandboxBackends({ env: {}, allowInexactOwnership: false }).map(({ name }) => name)

/**
 * The first sandbox that works here, found by trying it in the store's own folder; or the one that was named.
 * @throws SANDBOX_UNAVAILABLE naming what is missing for each that was tried; USAGE for a name that is none
 */
export async function chooseSandbox(
  name: string,
  wishes: SandboxWishes,
  store: Store,
  report: Report,
): Promise<Sandbox> {
  const backends = sandboxBackends(wishes)
  const wanted = backends.filter((backend) =>
    name === 'auto' ? backend.owners === 'exact' || wishes.allowInexactOwnership : backend.name === name,
  )
  if (wanted.length === 0) {
    throw new OcibakeError('USAGE', `There is no sandbox '${name}'.`, {
      hint: `Known: auto, ${SANDBOX_NAMES.join(', ')}`,
    })
  }
  await using work = await store.workFolder('probe')
  const refusals: string[] = []
  let hint = ''
  for (const backend of wanted) {
    const found = await backend.probe(work.path, report)
    if ('run' in found) {
      report({ type: 'note', message: `sandbox: ${found.name} (${found.why})` })
      return found
    }
    refusals.push(`${backend.name}: ${found.missing}`)
    // The last exact one needs the least.
    if (backend.owners === 'exact' || wanted.length === 1) hint = found.hint
  }
  throw new OcibakeError('SANDBOX_UNAVAILABLE', `No sandbox for scripts works here: ${refusals.join('; ')}.`, { hint })
}
