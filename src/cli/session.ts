import type { Report } from '../events.ts'
import { Network } from '../network/network.ts'
import { Store } from '../oci/store.ts'
import { RegistryConnection } from '../registry/connection.ts'
import { credentialLookup } from '../registry/credentials.ts'
import { cacheFolder } from './cache-folder.ts'
import type { SessionOptions } from './options.ts'
import type { Surroundings } from './surroundings.ts'

export interface Session extends AsyncDisposable {
  readonly store: Store
  readonly connection: RegistryConnection
}

/** The store and the registries of one command. */
export async function openSession(options: SessionOptions, around: Surroundings, report: Report): Promise<Session> {
  const store = await Store.open(cacheFolder(options, around), { report })
  const connection = new RegistryConnection({
    credentials: credentialLookup(around),
    insecureRegistries: new Set(options.insecureRegistry ?? []),
    report,
    network: new Network(around.env),
    userAgent: `ocibake/${around.version}`,
  })
  const close = async () => {
    connection.close()
    await store.close()
  }
  return { store, connection, [Symbol.asyncDispose]: close }
}
