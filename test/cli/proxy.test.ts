import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeCertificate } from '../support/certificate.ts'
import { bake, runCli } from '../support/cli.ts'
import { testFolder } from '../support/folder.ts'
import { startProxy } from '../support/proxy.ts'
import { REGISTRY_USER, startRegistry } from '../support/registry.ts'
import { startS3 } from '../support/s3.ts'
import { tarArchive } from '../support/tar-archive.ts'
import { startTinyproxy } from '../support/tinyproxy.ts'

const TAR = tarArchive([{ name: 'hello', content: 'hello' }])
const TINY = JSON.stringify({ from: 'scratch', steps: [{ write: '/a', text: 'a' }] })

test('an image is pushed and read by a proxy, which sees no more than the name of the registry', async () => {
  const folder = await testFolder()
  const registry = await startRegistry({ tls: true, auth: 'basic', names: ['registry.example.com'] })
  onTestFinished(() => registry.stop())
  const proxy = await startProxy({ hosts: { 'registry.example.com:443': registry.host }, user: 'me:secret' })
  onTestFinished(() => proxy.stop())
  await writeFile(join(folder, 'tiny.spec.json'), TINY)
  await mkdir(join(folder, '.docker'))
  const auth = Buffer.from(`${REGISTRY_USER.username}:${REGISTRY_USER.password}`).toString('base64')
  await writeFile(join(folder, '.docker/config.json'), JSON.stringify({ auths: { 'registry.example.com': { auth } } }))
  const env = { https_proxy: proxy.url, no_proxy: '', SSL_CERT_FILE: registry.caFile!, SSL_CERT_DIR: '' }
  const around = { cache: folder, cwd: folder, env }
  const name = 'registry.example.com/team/tiny:1'
  const digest = (await bake(['build', 'tiny.spec.json', '--push', '--tag', name], around)).trim()
  expect(await bake(['inspect', name], around)).toContain(digest)
  expect(new Set(proxy.seen)).toEqual(new Set(['CONNECT registry.example.com:443']))
  expect(proxy.headers.join()).not.toContain(auth)

  const astray = await runCli(['inspect', name], { ...around, env: { ...env, https_proxy: proxy.shown } })
  expect(astray.code).toBe(3)
  expect(astray.stderr).toContain(`the proxy wants a user name and password that it knows (through the proxy`)
  expect(astray.stderr).toContain('-> Write https_proxy=http://USER:PASSWORD@HOST:PORT.')
  const unknown = await runCli(['inspect', name], { ...around, env: { ...env, SSL_CERT_FILE: '/dev/null' } })
  expect(unknown.code).toBe(3)
  expect(unknown.stderr).toMatch(/its certificate is (self-signed|from)/)
})

test('tarballs of the web and of S3 come through the proxy, too', async () => {
  const folder = await testFolder()
  const pair = await makeCertificate(folder, ['files.example.com'])
  const server = createServer(
    { cert: await readFile(pair.certFile), key: await readFile(pair.keyFile) },
    (_, response) => response.end(TAR),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const s3 = await startS3()
  onTestFinished(() => s3.stop())
  s3.createBucket('bucket')
  s3.put('bucket', 'a.tar', TAR)
  const hosts = {
    'files.example.com:443': `127.0.0.1:${(server.address() as AddressInfo).port}`,
    's3.example.com:80': s3.endpoint.slice('http://'.length),
  }
  const proxy = await startProxy({ hosts })
  onTestFinished(() => proxy.stop())
  const proxies = { http_proxy: proxy.url, https_proxy: proxy.url, no_proxy: '' }
  const env = { ...s3.env, ...proxies, AWS_ENDPOINT_URL_S3: 'http://s3.example.com', SSL_CERT_FILE: pair.certFile }
  const inspect = (source: string) => bake(['inspect', source], { cache: folder, env: { ...env, SSL_CERT_DIR: '' } })
  expect(await inspect('https://files.example.com/a.tar?signature=x')).toContain('hello')
  expect(await inspect('s3://bucket/a.tar')).toContain('hello')
  expect([...new Set(proxy.seen)]).toEqual([
    'CONNECT files.example.com:443',
    'GET http://s3.example.com/bucket/a.tar?x-id=GetObject',
    'HEAD http://s3.example.com/bucket/a.tar',
  ])
  expect(s3.server.seen).toMatchObject(Array(2).fill({ signed: true, key: 'a.tar' }))
})

test('tinyproxy lets an image through, and tarballs, in both ways of asking', async () => {
  const folder = await testFolder()
  const registry = await startRegistry({ tls: true, names: ['registry.example.com'] })
  onTestFinished(() => registry.stop())
  const s3 = await startS3()
  onTestFinished(() => s3.stop())
  s3.createBucket('bucket')
  s3.put('bucket', 'a.tar', TAR)
  const hosts = {
    'registry.example.com:443': registry.host,
    's3.example.com:80': s3.endpoint.slice('http://'.length),
  }
  const names = await startProxy({ hosts })
  onTestFinished(() => names.stop())
  const proxy = await startTinyproxy('me:secret', names.shown.slice('http://'.length))
  onTestFinished(() => proxy.stop())
  const spec = { from: 'scratch', steps: [{ unpack: 's3://bucket/a.tar', to: '/' }] }
  await writeFile(join(folder, 'tiny.spec.json'), JSON.stringify(spec))
  const proxies = { http_proxy: proxy.url, https_proxy: proxy.url, no_proxy: '' }
  const trust = { SSL_CERT_FILE: registry.caFile!, SSL_CERT_DIR: '' }
  const env = { ...s3.env, ...proxies, ...trust, AWS_ENDPOINT_URL_S3: 'http://s3.example.com' }
  const around = { cache: folder, cwd: folder, env }
  const name = 'registry.example.com/team/tiny:1'
  const digest = (await bake(['build', 'tiny.spec.json', '--push', '--tag', name], around)).trim()
  expect(await bake(['inspect', name], around)).toContain(digest)
  expect(new Set(await proxy.requests())).toEqual(
    new Set([
      'CONNECT registry.example.com:443 HTTP/1.1',
      'GET http://s3.example.com/bucket/a.tar?x-id=GetObject HTTP/1.1',
      'HEAD http://s3.example.com/bucket/a.tar HTTP/1.1',
    ]),
  )
  const shut = await runCli(['inspect', name], { ...around, env: { ...env, https_proxy: proxy.shown } })
  expect(shut.code).toBe(3)
  expect(shut.stderr).toContain('the proxy wants a user name and password that it knows')
})
