const NAMES = ['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy']

/** How the caller reaches the network, for programs that we start: the proxy variables of `env`, in either case. */
export function proxyVariables(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const both = NAMES.flatMap((name) => [name, name.toUpperCase()])
  return Object.fromEntries(both.flatMap((name) => (env[name] ? [[name, env[name]]] : [])))
}
