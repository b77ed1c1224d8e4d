/** Characters of a file of credentials that are looked through. */
const ENOUGH = 8 << 10
const AUTH = /"auth"\s*:\s*"([A-Za-z0-9+/]{8,}={0,2})"/g
const TOKEN = /"(?:identitytoken|registrytoken)"\s*:\s*"([^"\s]{16,})"/
/** What documentation writes for a password. */
const STANDS_FOR = /^(?:.*<.*>|pass(?:word|wd)?|secret|token|change-?me|your.*|my-?password|.*example.*|x+|\*+|\.+)$/i

/**
 * Whether docker's `config.json` or podman's `auth.json` is around `"auths"` at `at`, with a login in it: base64 of
 * `user:password`, or a token. What credential helpers keep is not in the file.
 */
export function dockerAuth(text: string, at: number): boolean {
  const rest = text.slice(at, at + ENOUGH)
  if (!/^"auths"\s*:\s*\{/.test(rest)) return false
  return TOKEN.test(rest) || [...rest.matchAll(AUTH)].some(([, auth]) => isLogin(auth!))
}

function isLogin(auth: string): boolean {
  const [, password] =
    /^[\x21-\x39\x3b-\x7e]+:([\x20-\x7e]+)$/.exec(Buffer.from(auth, 'base64').toString('latin1')) ?? []
  return password !== undefined && !STANDS_FOR.test(password)
}
