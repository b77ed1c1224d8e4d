/**
 * What `work` makes of each item, in the order of the items, at most `limit` under way. The first failure is thrown
 * after those under way have ended, so that nothing goes on behind the caller's back; `work` should watch its signal.
 */
export async function severalAtOnce<T, R>(
  items: readonly T[],
  limit: number,
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const results: R[] = new Array(items.length)
  let next = 0
  const worker = async () => {
    while (next < items.length && !either.aborted) {
      const index = next++
      results[index] = await work(items[index]!, either)
    }
  }
  const workers = Array.from({ length: Math.min(limit, items.length) }, () =>
    worker().catch((error: unknown) => {
      stop.abort(error)
      throw error
    }),
  )
  const settled = await Promise.allSettled(workers)
  if (stop.signal.aborted) throw stop.signal.reason
  signal.throwIfAborted()
  for (const outcome of settled) if (outcome.status === 'rejected') throw outcome.reason
  return results
}
