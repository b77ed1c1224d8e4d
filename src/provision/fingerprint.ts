import type { Digest } from '../oci/digest.ts'
import { type HashedSource, hashSource } from './hash-source.ts'
import { hostSource } from './host-source.ts'
import { FileMemory } from './known-files.ts'
import { runScript, scriptText } from './run-script.ts'
import type { CopyStep, RunStep, Step, Taken, UnpackStep } from './step.ts'
import { type TakeTools, takeArchive } from './take-archive.ts'

/** All that decides what a step makes of a tree. */
export interface Fingerprint {
  /** What of the step's own text counts: a JSON value. */
  readonly text: unknown
  /** What it takes from outside; undefined for steps that take nothing. */
  readonly input: Digest | undefined
  /** How the input differs from that of the build before, as in 'a.txt changed', paths below the source; if known. */
  readonly change: string | undefined
  /** What to perform the step with. */
  readonly taken: Taken | undefined
  /** Of a step that reads its input itself: whether that is still what it was. @throws as `fingerprint` */
  isStill?(): Promise<boolean>
}

export interface FingerprintTools extends TakeTools {
  readonly ownOutputs: ReadonlySet<string>
  /** The same text in every build of this step. */
  readonly name: string
  /** Absolute: that of the spec file. */
  readonly folder: string
}

/**
 * What decides the result of a step besides the tree before it, and nothing else: no path of this machine, no time of a
 * checkout, no sandbox, no proxy, and secrets by name alone. Local files are hashed, tarballs fetched if need be.
 * @throws what the step itself throws for its input
 */
export async function fingerprint(step: Step, tools: FingerprintTools): Promise<Fingerprint> {
  if ('copy' in step) return await ofCopy(step, tools)
  if ('unpack' in step) return await ofUnpack(step, tools)
  if ('ansible' in step) {
    const { ansibleInput } = await import('./ansible-input.ts')
    return { ...(await ansibleInput(step, tools)), taken: undefined }
  }
  return { text: 'run' in step ? textOfRun(step) : step, input: undefined, change: undefined, taken: undefined }
}

async function ofCopy(step: CopyStep, tools: FingerprintTools): Promise<Fingerprint> {
  const { copy, exclude: _, mode: __, ...text } = step
  const source = hostSource(step, tools)
  const memory = new FileMemory(tools.store, `${tools.name} ${copy}`)
  const { digest, change }: HashedSource = await hashSource(source, {
    memory,
    trust: tools.trust,
    signal: tools.signal,
  })
  return { text: { copy: source?.kind, ...text }, input: digest, change, taken: { kind: 'files', source } }
}

async function ofUnpack(step: UnpackStep, tools: FingerprintTools): Promise<Fingerprint> {
  const { unpack, sha256: _, versionId: __, unverified: ___, ...text } = step
  const digest = await takeArchive(unpack, step, tools)
  return { text: { unpack: true, ...text }, input: digest, change: undefined, taken: { kind: 'archive', digest } }
}

/** Whoever runs a script for the second time does not want to wait for it because a password is another one. */
function textOfRun(step: RunStep): unknown {
  const { env, user, workdir, network = 'host', secrets = [] } = step
  const { argv } = runScript(step)
  const visible = secrets.map(({ id, file, env }) => ({ id, file, env }))
  return { run: scriptText(step), argv, env, user, workdir, network, secrets: visible }
}
