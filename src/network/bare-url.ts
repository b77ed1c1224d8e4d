/** A URL without its user info, query and fragment, which may be credentials or signatures. */
export function bareUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}
