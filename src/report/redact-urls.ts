/** The text with every URL in it stripped of user info, query and fragment, which may be credentials or signatures. */
export function redactUrls(text: string): string {
  return text
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#"<>]*@/gi, '$1…@')
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s?#"<>]*)[?#][^\s"<>]*/gi, '$1?…')
}
