import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { silent } from '../../src/events.ts'
import { Network } from '../../src/network/network.ts'
import { certificateLookup } from '../../src/registry/certificates.ts'
import { Transport } from '../../src/registry/transport.ts'
import { type Certificate, makeCertificate } from '../support/certificate.ts'
import { testFolder } from '../support/folder.ts'
import { startScriptedServer } from '../support/scripted-server.ts'

const { signal } = new AbortController()

async function certificate(): Promise<Certificate> {
  return makeCertificate(await testFolder())
}

/** A server that answers with the fingerprint of what it was shown, or nothing, and leads elsewhere from /away. */
async function serverWith(pair: Certificate, options: ServerOptions = {}, away = '') {
  const [cert, key] = await Promise.all([readFile(pair.certFile), readFile(pair.keyFile)])
  const server = createServer({ cert, key, ...options }, (request, response) => {
    const shown = (request.socket as TLSSocket).getPeerCertificate().fingerprint256 ?? 'nothing'
    if (request.url === '/away') response.writeHead(307, { Location: away })
    response.end(shown)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close().closeAllConnections())
  return `localhost:${(server.address() as AddressInfo).port}`
}

async function keep(home: string, host: string, files: Readonly<Record<string, string>>, tool = 'containers') {
  const folder = join(home, '.config', tool, 'certs.d', host)
  await mkdir(folder, { recursive: true })
  for (const [name, from] of Object.entries(files)) await copyFile(from, join(folder, name))
  return folder
}

async function ask(home: string, url: string, insecure: string[] = []): Promise<string> {
  const network = new Network()
  onTestFinished(() => network.close())
  const certificates = certificateLookup({ env: {}, home })
  const timing = { attempts: 1 }
  const transport = new Transport({
    userAgent: 'x',
    insecure: new Set(insecure),
    report: silent,
    network,
    certificates,
    timing,
  })
  const answer = await transport.send({ method: 'GET', url: new URL(url), what: 'test', signal })
  return answer.bytes.toString()
}

test('an authority is believed for its host and port alone', async () => {
  const [pair, home] = [await certificate(), await testFolder()]
  const [known, other] = [await serverWith(pair), await serverWith(pair)]
  await keep(home, known, { 'ca.crt': pair.certFile })
  expect(await ask(home, `https://${known}/`)).toBe('nothing')
  await expect(ask(home, `https://${other}/`)).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringContaining('its certificate is self-signed'),
    hint: expect.stringContaining(`certs.d/${other}/ca.crt`),
  })
})

test("docker's folder counts where podman's has nothing", async () => {
  const [pair, home] = [await certificate(), await testFolder()]
  const host = await serverWith(pair)
  await keep(home, host, { 'ca.crt': pair.certFile }, 'docker')
  expect(await ask(home, `https://${host}/`)).toBe('nothing')
  await keep(home, host, {})
  await expect(ask(home, `https://${host}/`)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
})

test('a certificate of this side is shown to its host, and to no other that it leads to', async () => {
  const [pair, mine, home] = [await certificate(), await certificate(), await testFolder()]
  const curious = { requestCert: true, rejectUnauthorized: false }
  const other = await serverWith(pair, curious)
  const strict = { requestCert: true, rejectUnauthorized: true, ca: await readFile(mine.certFile) }
  const host = await serverWith(pair, strict, `https://${other}/`)
  const files = { 'ca.crt': pair.certFile, 'client.cert': mine.certFile, 'client.key': mine.keyFile }
  await keep(home, host, files)
  await keep(home, other, { 'ca.crt': pair.certFile })
  expect(await ask(home, `https://${host}/`)).toBe(mine.certificate.fingerprint256)
  expect(await ask(home, `https://${host}/away`)).toBe('nothing')
  expect(await ask(home, `https://${host}/`, [host])).toBe(mine.certificate.fingerprint256)
})

test('a server that wants a certificate and is shown none is an error that says so', async () => {
  const [pair, home] = [await certificate(), await testFolder()]
  const host = await serverWith(pair, { requestCert: true, rejectUnauthorized: true })
  await keep(home, host, { 'ca.crt': pair.certFile })
  await expect(ask(home, `https://${host}/`)).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringContaining('it wants a certificate of this side'),
    hint: expect.stringContaining(`certs.d/${host}/client.{cert,key}`),
  })
})

test('a certificate that has expired, or is for another name, is refused even if its authority is believed', async () => {
  const [folder, home] = [await testFolder(), await testFolder()]
  const expired = await makeExpired(folder)
  const old = await serverWith(expired)
  await keep(home, old, { 'ca.crt': expired.certFile })
  await expect(ask(home, `https://${old}/`)).rejects.toMatchObject({
    message: expect.stringContaining('its certificate has expired'),
    hint: expect.stringContaining(`Renew the certificate of ${old}`),
  })
  const pair = await certificate()
  const other = createServer({ cert: await readFile(pair.certFile), key: await readFile(pair.keyFile) })
  other.listen(0, '127.0.0.2')
  await once(other, 'listening')
  onTestFinished(() => void other.close().closeAllConnections())
  const host = `127.0.0.2:${(other.address() as AddressInfo).port}`
  await keep(home, host, { 'ca.crt': pair.certFile })
  await expect(ask(home, `https://${host}/`)).rejects.toMatchObject({
    message: expect.stringContaining('its certificate is for another name'),
    hint: expect.stringContaining('Use the name'),
  })
})

test('https to a server that speaks none is an error that says so, and how to go on', async () => {
  const server = await startScriptedServer((_, response) => void response.end('plain'))
  onTestFinished(() => server.stop())
  await expect(ask(await testFolder(), `https://${server.host}/`)).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringContaining('the server does not speak TLS there'),
    hint: expect.stringContaining(`--insecure-registry ${server.host}`),
  })
})

test.each([
  ['a key alone', ['client.key'], 'client.key has no .cert'],
  ['a certificate without its key', ['client.cert'], 'client.cert has no .key'],
  ['what is no certificate', ['ca.crt'], 'has a certificate or key that is none'],
])('%s is refused by its path', async (_, names, words) => {
  const home = await testFolder()
  const folder = await keep(home, 'registry.example.com', {})
  for (const name of names) await writeFile(join(folder, name), '-----BEGIN CERTIFICATE-----\nhunter2\n')
  const failing = ask(home, 'https://registry.example.com/')
  await expect(failing).rejects.toMatchObject({
    code: 'CREDENTIALS_UNREADABLE',
    message: expect.stringContaining(words),
  })
  await expect(failing).rejects.toMatchObject({ message: expect.stringContaining(folder) })
  await expect(failing).rejects.not.toMatchObject({ message: expect.stringContaining('hunter2') })
})

/** A certificate of 2020. */
async function makeExpired(folder: string): Promise<Certificate> {
  const pair = await makeCertificate(folder)
  const at = (name: string) => join(folder, name)
  await writeFile(at('index'), '')
  await writeFile(
    at('ca.conf'),
    `[ca]\ndefault_ca=x\n[x]\ndatabase=${at('index')}\nnew_certs_dir=${folder}\ndefault_md=sha256\npolicy=p\nrand_serial=yes\nx509_extensions=e\n[p]\n[e]\nsubjectAltName=DNS:localhost\nbasicConstraints=CA:true\n`,
  )
  const openssl = (...args: string[]) => promisify(execFile)('openssl', args)
  await openssl('req', '-new', '-key', pair.keyFile, '-subj', '/CN=old', '-out', at('csr'))
  const dates = ['-startdate', '20200101000000Z', '-enddate', '20200201000000Z']
  const files = ['-config', at('ca.conf'), '-keyfile', pair.keyFile, '-in', at('csr'), '-out', pair.certFile]
  await openssl('ca', '-selfsign', '-batch', '-notext', ...dates, ...files)
  return pair
}
