import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { answers } from './answers.ts'
import { freePort } from './registry.ts'

export interface Tinyproxy {
  /** For `https_proxy`, with the user. */
  readonly url: string
  /** Without the user. */
  readonly shown: string
  /** What it was asked so far: `CONNECT host:port HTTP/1.1`, `GET http://host/path HTTP/1.1`. */
  requests(): Promise<readonly string[]>
  stop(): Promise<void>
}

/**
 * Debian's `tinyproxy` on a free port of 127.0.0.1, which wants `user:password` and asks another proxy (`host:port`) for
 * everything: that one knows names that nobody else resolves. `stop` ends it. @throws when it does not answer
 */
export async function startTinyproxy(user: string, upstream: string): Promise<Tinyproxy> {
  const folder = await mkdtemp(join(tmpdir(), 'ocibake-tinyproxy-'))
  const port = await freePort()
  const log = join(folder, 'log')
  const [name, password] = user.split(':')
  const lines = ['Listen 127.0.0.1', `Port ${port}`, 'Allow 127.0.0.1', 'Timeout 60', 'MaxClients 20']
  const more = [`BasicAuth ${name} ${password}`, `Upstream http ${upstream}`, `LogFile "${log}"`, 'LogLevel Connect']
  await writeFile(join(folder, 'conf'), `${[...lines, ...more].join('\n')}\n`)
  const server = spawn('tinyproxy', ['-d', '-c', join(folder, 'conf')], { stdio: 'ignore' })
  const ended = once(server, 'exit').catch(() => {})
  const stop = async () => {
    server.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  for (const end = Date.now() + 10_000; !(await answers('127.0.0.1', port)); await sleep(25)) {
    if (Date.now() < end && server.exitCode === null && server.pid !== undefined) continue
    await stop()
    throw new Error('tinyproxy does not answer')
  }
  const requests = async () =>
    [...(await readFile(log, 'utf8')).matchAll(/Request \(file descriptor \d+\): (.*)/g)].map(([, line]) => line!)
  return { url: `http://${user}@127.0.0.1:${port}`, shown: `http://127.0.0.1:${port}`, requests, stop }
}
