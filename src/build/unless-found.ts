export interface MakeAndSearch<T> {
  make(signal: AbortSignal): Promise<T>
  search(signal: AbortSignal): Promise<void>
}

/**
 * Makes something and searches what it is made of at the same time. The first of both to fail ends the other, and it is
 * waited for. @throws what the first threw
 */
export async function unlessFound<T>(signal: AbortSignal, { make, search }: MakeAndSearch<T>): Promise<T> {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const stopping = <U>(work: Promise<U>): Promise<U> => {
    work.catch((error: unknown) => stop.abort(error))
    return work
  }
  const [made] = await Promise.allSettled([stopping(make(either)), stopping(search(either))])
  either.throwIfAborted()
  if (made.status === 'rejected') throw made.reason
  return made.value
}
