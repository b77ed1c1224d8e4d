import { OcibakeError } from '../errors.ts'

/**
 * What loading a spec gives. A spec that awaits what nobody settles would let Node end the process without a word.
 * @throws SPEC_UNREADABLE when nothing is left to happen that could settle it
 */
export async function settled<Loaded>(file: string, loading: Promise<Loaded>): Promise<Loaded> {
  const idle = Promise.withResolvers<never>()
  const refuse = () => {
    idle.reject(
      new OcibakeError('SPEC_UNREADABLE', `${file} never finishes loading: it awaits a promise that nothing settles.`, {
        hint: 'Look for an `await` in it, or for a promise in its function, that has no timer, file or request behind it.',
      }),
    )
  }
  process.once('beforeExit', refuse)
  try {
    return await Promise.race([loading, idle.promise])
  } finally {
    process.off('beforeExit', refuse)
  }
}
