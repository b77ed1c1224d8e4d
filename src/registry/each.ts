/**
 * Works on every item, `limit` at a time, in their order. The first failure aborts the signal that the others were
 * given, and is thrown when they have ended; so is an abort of `signal`.
 */
export async function each<Item>(
  items: Iterable<Item>,
  limit: number,
  signal: AbortSignal,
  work: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController()
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  const queue = Iterator.from(items)
  const failures: unknown[] = []
  const worker = async () => {
    for (const item of queue) {
      if (failures.length > 0) return
      try {
        await work(item, controller.signal)
      } catch (error) {
        failures.push(error)
        controller.abort(error)
      }
    }
  }
  await Promise.all(Array.from({ length: limit }, worker))
  signal.removeEventListener('abort', abort)
  if (failures.length > 0) throw failures[0]
}
