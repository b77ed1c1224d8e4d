import { formatPlatform, hostPlatform } from '../oci/platform.ts'
import { unavailable } from '../provision/choose-sandbox.ts'
import type { SandboxRefusal } from '../provision/sandbox.ts'
import { credentialFindings } from './credential-findings.ts'
import { cacheObstacle, diskFindings, type Obstacle } from './disk-findings.ts'
import type { Examined, Finding } from './finding.ts'
import { kernelFindings } from './kernel-findings.ts'
import { proxyFinding } from './network-findings.ts'
import { detectPlace, placeFinding } from './place.ts'
import { programFindings } from './program-findings.ts'
import { sandboxFindings } from './sandbox-findings.ts'
import { type Snippet, type SnippetName, snippet } from './snippets.ts'
import { type TriedSandbox, trySandboxes } from './try-sandboxes.ts'
import { userFindings } from './user-findings.ts'

export interface DiagnoseOptions extends Examined {
  /** 'auto' or the name of one. */
  readonly sandbox: string
  /** Instead of those for the place that was found. */
  readonly snippet?: SnippetName
}

/** What `ocibake doctor --json` prints. */
export interface Diagnosis {
  readonly platform: string
  readonly findings: readonly Finding[]
  /** What a build would take; null: none works, or not the one that was named. */
  readonly sandbox: { readonly name: string; readonly why: string } | null
  /** Why there is none. */
  readonly refusal: SandboxRefusal | null
  /** Why no build works, not even one without scripts; null: builds work. */
  readonly obstacle: Obstacle | null
  readonly snippets: readonly Snippet[]
}

/**
 * What this machine has of all that builds may want, found by doing. Leaves nothing behind, asks nobody over the
 * network, and holds no credential.
 */
export async function diagnose(options: DiagnoseOptions): Promise<Diagnosis> {
  const tried = await trySandboxes(options)
  const place = detectPlace(options.env)
  const exact = tried.filter(({ owners }) => owners === 'exact')
  const candidates = options.sandbox === 'auto' ? exact : tried.filter(({ name }) => name === options.sandbox)
  const chosen = candidates.find(({ sandbox }) => sandbox !== undefined)?.sandbox
  const canRun = exact.some(({ sandbox }) => sandbox !== undefined)
  return {
    platform: formatPlatform(hostPlatform()),
    findings: [
      ...(await userFindings(canRun)),
      ...(await kernelFindings(tried, options)),
      ...sandboxFindings(tried, options),
      ...(await programFindings(options, tried)),
      ...(await diskFindings(options)),
      proxyFinding(options),
      ...(await credentialFindings(options)),
      placeFinding(place),
    ],
    sandbox: chosen === undefined ? null : { name: chosen.name, why: chosen.why },
    refusal: chosen === undefined ? refusalOf(candidates) : null,
    obstacle: (await cacheObstacle(options)) ?? null,
    snippets: (options.snippet === undefined ? place.snippets : [options.snippet]).map(snippet),
  }
}

/** The last one needs the least. */
function refusalOf(candidates: readonly TriedSandbox[]): SandboxRefusal {
  const missing = unavailable(candidates.map(({ name, refusal }) => ({ name, missing: refusal!.missing })))
  return { missing, hint: candidates.at(-1)!.refusal!.hint }
}
