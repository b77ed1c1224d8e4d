/** A stranger's text as it may stand in a message: what a terminal would obey, or does not show, as its number. */
export function inWords(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
