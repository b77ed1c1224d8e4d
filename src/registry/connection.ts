import type { Report } from '../events.ts'
import { Network } from '../network/network.ts'
import type { Reference } from '../oci/reference.ts'
import type { SecretValue } from '../secrets/secret-values.ts'
import { pushScope } from './access.ts'
import { Authenticator } from './auth.ts'
import type { CertificateLookup } from './certificates.ts'
import { secretOf } from './credential-file.ts'
import type { CredentialLookup } from './credentials.ts'
import { ecrService } from './ecr-host.ts'
import { findEndpoint } from './find-endpoint.ts'
import { type Mirror, ownPlace, type Place, placesFor } from './mirrors.ts'
import type { FileDoubt } from './parse-registries-conf.ts'
import { type DoubtsLookup, noRegistries, type RegistriesLookup } from './registries-conf.ts'
import type { RegistryTable } from './registry-table.ts'
import type { Timing } from './retry.ts'
import { Transport } from './transport.ts'

export interface RegistryConnectionOptions {
  readonly credentials: CredentialLookup
  /** `host` or `host:port`, as references spell them: spoken to by plain http or without checking certificates. */
  readonly insecureRegistries: ReadonlySet<string>
  readonly report: Report
  /** `ocibake/<version>`. */
  readonly userAgent: string
  /** Proxies and private authorities; directly, with the usual ones, when absent. Closed with the connection. */
  readonly network?: Network
  /** What is kept for single registries beside those; nothing when absent. */
  readonly certificates?: CertificateLookup
  /** What to pull from instead, in order. */
  readonly mirrors?: readonly Mirror[]
  /** Names that have mirrors are pulled from those alone. */
  readonly onlyMirrors?: boolean
  /** What is written of registries on this machine; nothing when absent. */
  readonly registries?: RegistriesLookup
  /** What is doubtful in that beside its tables; nothing when absent. */
  readonly doubts?: DoubtsLookup
  /** How patient to be; for tests and for slow networks. */
  readonly timing?: Partial<Timing>
}

/** Tables and files whose doubts were told: several connections share them. */
const told = new WeakSet<FileDoubt>()

/**
 * What all work with registries in one build shares: sockets, tokens, and how each registry is reached. `close` ends
 * idle sockets, so that a process can end; it may be called twice.
 */
export class RegistryConnection {
  readonly transport: Transport
  readonly authenticator: Authenticator
  readonly report: Report
  /** Also for what is no registry: sources of steps. */
  readonly network: Network
  readonly #options: RegistryConnectionOptions
  /** By host. */
  readonly #insecure = new Map<string, RegistryConnection>()
  readonly #foreseen = new Map<string, Promise<SecretValue | undefined>>()
  readonly #endpoints = new Map<string, Promise<URL>>()

  constructor(options: RegistryConnectionOptions) {
    const { userAgent, report, timing, certificates, network = new Network() } = options
    this.report = report
    this.network = network
    this.#options = options
    this.transport = new Transport({
      userAgent,
      report,
      network,
      insecure: options.insecureRegistries,
      ...(certificates && { certificates }),
      ...(timing && { timing }),
    })
    this.authenticator = new Authenticator(this.transport, options.credentials)
  }

  /**
   * The origin at which a registry (as in a Reference) answers, looked for once. Always https, but for loopback and for
   * hosts named insecure. @throws as findEndpoint
   */
  async endpoint(registry: string, signal: AbortSignal): Promise<URL> {
    const known = this.#endpoints.get(registry) ?? findEndpoint(registry, this.transport, signal)
    this.#endpoints.set(registry, known)
    try {
      return await known
    } catch (error) {
      this.#endpoints.delete(registry)
      throw error
    }
  }

  /**
   * The secret of the credentials that a repository will be shown, if they are found without asking anybody by the
   * network. Looked for once: helpers may be slow, or open a window.
   */
  foresee({ registry, repository }: Reference): Promise<SecretValue | undefined> {
    const name = `${registry}/${repository}`
    const look = async () => {
      const found = await this.#options.credentials(registry, repository).catch(() => undefined)
      return found && secretOf(found)
    }
    const known = this.#foreseen.get(name) ?? look()
    this.#foreseen.set(name, known)
    return known
  }

  /**
   * Has AWS asked for the password that a push to one of its registries will show: what was asked for after the image was
   * searched would not have been searched for. Others are not asked; `foresee` knows what they keep.
   */
  async foreseePush({ registry, repository }: Reference, signal: AbortSignal): Promise<void> {
    if (ecrService(registry) === undefined) return
    const endpoint = await this.endpoint(registry, signal)
    await this.authenticator.prepare({ registry, endpoint, repository, scopes: [pushScope(repository)] }, signal)
  }

  /** Where to pull an image from, in order; never empty. @throws USAGE, REGISTRY_ERROR for what registries.conf says */
  async placesFor(reference: Reference): Promise<Place[]> {
    const { mirrors = [], onlyMirrors = false } = this.#options
    return placesFor(reference, mirrors, onlyMirrors, await this.#tables())
  }

  /**
   * The connection for requests to where a name itself says: pushes and logins. Not to be closed.
   * @throws USAGE, REGISTRY_ERROR for what registries.conf says
   */
  async toOwn(reference: Reference): Promise<RegistryConnection> {
    return this.at(ownPlace(reference, await this.#tables()))
  }

  /**
   * The connection for requests to a place: this one, or one beside it, with tokens of its own, by which that host alone
   * need not be spoken to by TLS. Not to be closed.
   */
  at({ reference: { registry }, isInsecure }: Place): RegistryConnection {
    const { insecureRegistries } = this.#options
    if (!isInsecure || insecureRegistries.has(registry)) return this
    const insecure = insecureRegistries.union(new Set([registry]))
    const { network } = this
    const known =
      this.#insecure.get(registry) ??
      new RegistryConnection({ ...this.#options, network, insecureRegistries: insecure })
    this.#insecure.set(registry, known)
    return known
  }

  close(): void {
    this.network.close()
  }

  async #tables(): Promise<readonly RegistryTable[]> {
    const { registries = noRegistries, doubts: ofFiles } = this.#options
    const tables = await registries()
    for (const doubtful of [...((await ofFiles?.()) ?? []), ...tables]) {
      const { file, doubts } = doubtful
      if (doubts.length === 0 || told.has(doubtful)) continue
      told.add(doubtful)
      this.report({
        type: 'warning',
        message: `${file} has ${doubts.join(' and ')}, which nobody knows: it has no effect.`,
        hint: 'Check the spelling; containers-registries.conf(5) has all keys.',
      })
    }
    return tables
  }
}
