/** Shannon's entropy of the characters of a text: bits for each. */
export function entropy(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}

/** Bits of a whole text by its own characters: a measure of how unlikely it is to be met by chance. */
export function strength(text: string): number {
  return entropy(text) * text.length
}

/** Whether a word looks drawn by lot: all kinds of characters and few repeated, or hex digits. */
export function looksRandom(word: string): boolean {
  if (/^[0-9a-f]{32,}$/i.test(word)) return entropy(word) > 3
  return /[a-z]/.test(word) && /[A-Z]/.test(word) && /[0-9]/.test(word) && entropy(word) > 3.5
}
