import { OcibakeError } from '../errors.ts'
import type { Store } from '../oci/store.ts'
import { formatTransport, isStdout, type Transport } from '../oci/transport.ts'
import type { TakeBytes } from '../oci/write-piped.ts'
import { ansibleProgram } from '../provision/ansible-programs.ts'
import { entryOf } from '../provision/host-source.ts'
import { readSecrets } from '../provision/run-secrets.ts'
import type { Step } from '../provision/step.ts'
import type { Plan } from '../spec/plan.ts'

const NOBODY = { uid: 0, gid: 0, groups: [], home: '/' }

export interface PreflightOptions {
  readonly store: Pick<Store, 'root'>
  readonly outputs: readonly Transport[]
  /** See BuildOptions. */
  readonly stdout?: TakeBytes | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Finds what would fail late before the first step is performed: local sources that are missing, secrets that are not
 * set, programs that are not installed, outputs that cannot hold such an image.
 * @throws COPY_NOT_FOUND, USAGE, TOOL_MISSING
 */
export async function preflight(plan: Plan, { store, outputs, stdout, env }: PreflightOptions): Promise<void> {
  refuseStdout(outputs, stdout !== undefined)
  const layout = outputs.find(({ kind }) => kind === 'oci' || kind === 'oci-archive')
  if (layout !== undefined && plan.mediaTypes === 'docker') {
    throw new OcibakeError(
      'USAGE',
      `${plan.file} makes an image of Docker's media types, which no ${layout.kind}: output can name.`,
      {
        hint: 'Write docker-archive:FILE or docker://REF instead, or leave `mediaTypes` out.',
      },
    )
  }
  if (!plan.readBase && outputs.some(({ kind }) => kind === 'rootfs')) {
    throw new OcibakeError(
      'USAGE',
      `${plan.file} says \`readBase: false\`, and a rootfs: output has all that is in the base.`,
      {
        hint: 'Write another output, or leave `readBase: false` out.',
      },
    )
  }
  for (const { number, verb, step } of plan.steps) {
    try {
      await check(step, env, store.root)
    } catch (error) {
      throw error instanceof OcibakeError ? error.at(`${plan.file}, step ${number} (${verb})`) : error
    }
  }
}

/** One image for one reader: the second would begin in the middle of what the reader takes for the first. */
function refuseStdout(outputs: readonly Transport[], isThere: boolean): void {
  const [first, second] = outputs.filter(isStdout).map(formatTransport)
  if (first !== undefined && !isThere) {
    throw new OcibakeError('USAGE', `${first} goes to stdout, and there is none.`, { hint: 'Name a file.' })
  }
  if (second === undefined) return
  throw new OcibakeError('USAGE', `${first} and ${second} both go to stdout, which takes one output.`, {
    hint: 'Name a file for one of them.',
  })
}

async function check(step: Step, env: PreflightOptions['env'], cache: string): Promise<void> {
  if ('copy' in step) {
    refuseCache(step.copy, cache)
    entryOf(step.copy)
  }
  if ('unpack' in step && !step.unpack.includes('://')) entryOf(step.unpack)
  if ('ansible' in step) {
    for (const playbook of [step.ansible].flat()) entryOf(playbook)
    await ansibleProgram('ansible-playbook', env)
  }
  if ('secrets' in step) await readSecrets(step.secrets ?? [], env, NOBODY)
}

/** What is in it is another thing in each build, and changes while it is copied. Within a copied folder it is left out. */
function refuseCache(source: string, cache: string): void {
  if (source !== cache && !source.startsWith(`${cache}/`)) return
  throw new OcibakeError('USAGE', `${source} is in ocibake's own cache folder, ${cache}, which no image should have.`, {
    hint: 'Choose another cache folder with --cache-dir.',
  })
}
