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
  const refusals: { name: string; missing: string }[] = []
  let hint = ''
  for (const backend of wanted) {
    const found = await backend.probe(work.path, report)
    if ('run' in found) {
      report({ type: 'note', message: `sandbox: ${found.name} (${found.why})` })
      return found
    }
    refusals.push({ name: backend.name, missing: found.missing })
    // The last exact one needs the least.
    if (backend.owners === 'exact' || wanted.length === 1) hint = found.hint
  }
  const other = name === 'auto' ? '' : await instead(backends, work.path, report)
  throw new OcibakeError('SANDBOX_UNAVAILABLE', `${unavailable(refusals)}.`, { hint: `${hint}${other}` })
}

/** Why no sandbox was taken, a sentence without its full stop. @param refusals one: of the sandbox that was named */
export function unavailable(refusals: readonly { readonly name: string; readonly missing: string }[]): string {
  const [first, ...others] = refusals
  if (first !== undefined && others.length === 0) {
    return `The sandbox ${first.name} does not work here: ${first.missing}`
  }
  const each = refusals.map(({ name, missing }) => `${name}: ${missing}`)
  return `No sandbox for scripts works here: ${each.join('; ')}`
}

async function instead(backends: readonly SandboxBackend[], folder: string, report: Report): Promise<string> {
  for (const { name, owners, probe } of backends) {
    if (owners === 'exact' && 'run' in (await probe(folder, report))) return ` Without --sandbox it would be ${name}.`
  }
  return ''
}
