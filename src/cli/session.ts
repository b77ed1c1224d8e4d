import type { Report } from '../events.ts'
import { Network } from '../network/network.ts'
import type { EarlyScan } from '../oci/early-scan.ts'
import { Store } from '../oci/store.ts'
import { certificateLookup } from '../registry/certificates.ts'
import { RegistryConnection } from '../registry/connection.ts'
import { type CredentialLookup, credentialLookup } from '../registry/credentials.ts'
import { parseMirror } from '../registry/mirrors.ts'
import { type HelpersLookup, registriesConf } from '../registry/registries-conf.ts'
import { cacheFolder } from './cache-folder.ts'
import type { SessionOptions } from './options.ts'
import type { Surroundings } from './surroundings.ts'

export interface Session extends AsyncDisposable {
  readonly store: Store
  readonly connection: RegistryConnection
}

/** The store and the registries of one command. @param early a thread that was started for the store */
export async function openSession(
  options: SessionOptions,
  around: Surroundings,
  report: Report,
  early?: EarlyScan,
): Promise<Session> {
  const connection = openConnection(options, around, report, (helpers) => credentialLookup(around, helpers))
  const store = await Store.open(cacheFolder(options, around), { report, early })
  const close = async () => {
    connection.close()
    await store.close()
  }
  return { store, connection, [Symbol.asyncDispose]: close }
}

/** The registries of one command. `credentials` makes the lookup, from who registries.conf says is to be asked. */
export function openConnection(
  options: Omit<SessionOptions, 'cacheDir'>,
  around: Surroundings,
  report: Report,
  credentials: (helpers: HelpersLookup) => CredentialLookup,
): RegistryConnection {
  const { registries, helpers, doubts } = registriesConf(around)
  return new RegistryConnection({
    credentials: credentials(helpers),
    insecureRegistries: new Set(options.insecureRegistry ?? []),
    report,
    network: new Network(around.env),
    certificates: certificateLookup(around),
    mirrors: (options.mirror ?? []).map(parseMirror),
    onlyMirrors: options.mirrorFallback === false,
    registries,
    doubts,
    userAgent: `ocibake/${around.version}`,
  })
}
