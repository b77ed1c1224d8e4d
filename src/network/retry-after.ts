/**
 * Milliseconds that a Retry-After header asks for: seconds, or a date, which may have passed. Undefined for anything else.
 * Source: RFC 9110, section 10.2.3.
 */
export function retryAfter(value: string | null | undefined, now = Date.now()): number | undefined {
  const text = (value ?? '').trim()
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000
  const date = /^[A-Za-z]{3}/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
