import { silent } from '../../src/events.ts'
import { RegistryConnection } from '../../src/registry/connection.ts'

/** A connection to registries of somebody who has no credentials and says nothing. */
export function anonymous(): RegistryConnection {
  return new RegistryConnection({
    credentials: async () => undefined,
    insecureRegistries: new Set(),
    report: silent,
    userAgent: 'test',
  })
}
