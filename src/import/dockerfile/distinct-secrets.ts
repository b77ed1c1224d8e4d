import type { DraftFields } from '../draft.ts'

/**
 * The secrets of a step, of which each id is there once, as a spec has it: what is there twice in all is taken once, and of one
 * that is wanted in several places the others get ids of their own.
 */
export function distinctSecrets(secrets: readonly DraftFields[]): DraftFields[] {
  const found: DraftFields[] = []
  for (const secret of secrets) {
    const { id, file, env } = secret
    const isThere = found.some((one) => one.id === id && one.file === file && one.env === env)
    if (isThere) continue
    const ids = new Set(found.map((one) => one.id))
    let free = String(id)
    for (let number = 2; ids.has(free); number++) free = `${id}-${number}`
    // Without a name of its own it is found under its id.
    const usual = free === id || file !== undefined || env !== undefined ? {} : { file: `/run/secrets/${id}` }
    found.push({ ...secret, id: free, ...usual })
  }
  return found
}
