/** Whether `block` has `bytes` from byte `at` on. Compared one by one: a string for each of half a million headers takes longer. */
export function hasBytes(block: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (block[at + i] !== bytes[i]) return false
  return true
}
