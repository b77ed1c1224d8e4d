import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { answers } from './answers.ts'
import { type Certificate, makeCertificate } from './certificate.ts'
import { startTokenServer, TOKEN_ISSUER, TOKEN_SERVICE } from './token-server.ts'

export { REGISTRY_USER } from './token-server.ts'

export interface RegistryOptions {
  /** `basic`: an htpasswd file with `REGISTRY_USER`. `token`: a token server that knows the same user. */
  readonly auth?: 'none' | 'basic' | 'token'
  /** Speaks https with a certificate for 127.0.0.1 and localhost from an authority of its own (`caFile`). */
  readonly tls?: boolean
  /** Other names that the certificate is for. */
  readonly names?: readonly string[]
  /** Seconds that a token is good for. docker-registry is a minute lenient: -58 is two seconds. Default 300. */
  readonly tokenSeconds?: number
  /** The token server lets everybody pull. */
  readonly anonymousPull?: boolean
}

export interface TestRegistry {
  /** `127.0.0.1:port`, for references. */
  readonly host: string
  readonly url: string
  /** Where the authority's certificate is, for NODE_EXTRA_CA_CERTS. Only with `tls`. */
  readonly caFile?: string
  /** The query of every request to the token server, oldest first. */
  readonly tokenRequests: readonly URLSearchParams[]
  /** The folder in which it keeps its blobs. */
  readonly storage: string
  /** What it was asked so far, as `METHOD /path?query STATUS`, oldest first. Not with `tls`. */
  requests(): Promise<readonly string[]>
  stop(): Promise<void>
}

/** bcrypt of REGISTRY_USER's password, cost 5: the only hash that docker-registry takes. */
const HTPASSWD = 'baker:$2b$05$Lo7MsS1D1kmF7tbBdHReRuwgspMaID44Ksyy8wl.MZXeHoYTRe.D.'

/**
 * Starts Debian's `docker-registry` on a free port of 127.0.0.1, with its storage in a new folder. `stop` ends it and
 * removes the folder. @throws when the program is missing or does not answer within 10 seconds
 */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const { auth = 'none', tls = false } = options
  const folder = await mkdtemp(join(tmpdir(), 'ocibake-registry-'))
  const storage = join(folder, 'storage')
  await mkdir(storage)
  const host = `127.0.0.1:${await freePort()}`
  const pair = tls || auth === 'token' ? await makeCertificate(folder, options.names) : undefined
  const tokens = auth === 'token' ? await startTokenServer(pair!, options) : undefined
  await writeFile(join(folder, 'htpasswd'), `${HTPASSWD}\n`)
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
    http: { addr: host, secret: 'test', ...(tls ? { tls: { certificate: pair!.certFile, key: pair!.keyFile } } : {}) },
    ...authConfig(auth, folder, pair, tokens?.url),
  }
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config))
  const server = spawn('docker-registry', ['serve', join(folder, 'config.yml')], {
    env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: 'none' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log = readAccessLog(server)
  const stop = async () => {
    await endProcess(server)
    await tokens?.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await untilListening(host, server)
  } catch (error) {
    await stop()
    throw error
  }
  const url = `${tls ? 'https' : 'http'}://${host}`
  const requests = () => requestsSoFar(url, log)
  const tokenRequests = tokens?.requests ?? []
  return { host, url, storage, requests, tokenRequests, ...(tls ? { caFile: pair!.certFile } : {}), stop }
}

/** A TCP port of 127.0.0.1 on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function authConfig(auth: RegistryOptions['auth'], folder: string, pair: Certificate | undefined, realm = '') {
  if (auth === 'basic') return { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } }
  if (auth !== 'token') return {}
  return { auth: { token: { realm, service: TOKEN_SERVICE, issuer: TOKEN_ISSUER, rootcertbundle: pair!.certFile } } }
}

async function untilListening(host: string, server: ChildProcess): Promise<void> {
  let words = ''
  let failure: Error | undefined
  server.stderr?.on('data', (chunk: Buffer) => {
    words += chunk.toString()
  })
  server.on('error', (error) => {
    failure = error
  })
  const [address, port] = host.split(':')
  for (const end = Date.now() + 10_000; Date.now() < end; await sleep(25)) {
    if (failure !== undefined) throw new Error(`docker-registry cannot be started: ${failure.message}`)
    if (server.exitCode !== null) throw new Error(`docker-registry ended at once: ${words}`)
    if (await answers(address!, Number(port))) return
  }
  throw new Error(`docker-registry does not answer at ${host}: ${words}`)
}

/** Apache's combined format. */
function readAccessLog(server: ChildProcess): string[] {
  const log: string[] = []
  createInterface({ input: server.stdout! }).on('line', (line) => {
    const found = /"([A-Z]+ \S+) HTTP\/[\d.]+" (\d{3}) /.exec(line)
    if (found !== null) log.push(`${found[1]} ${found[2]}`)
  })
  return log
}

/** A line is written after its answer: a request of our own shows when all before it are there. */
async function requestsSoFar(url: string, log: readonly string[]): Promise<readonly string[]> {
  const mark = `/v2/?mark=${log.length}`
  const end = Date.now() + 10_000
  await fetch(`${url}${mark}`)
  const isMark = (line: string) => line.startsWith(`GET ${mark} `)
  while (!log.some(isMark)) {
    if (Date.now() > end) throw new Error(`docker-registry has not logged ${mark}`)
    await sleep(5)
  }
  return log.filter((line) => !line.includes('/v2/?mark='))
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
