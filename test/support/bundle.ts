import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'

interface RuntimeConfig {
  process: { terminal: boolean; env: string[]; rlimits?: unknown }
  mounts: { source: string }[]
  linux: { namespaces: { type: string }[] }
}

export interface RunningBundle {
  /** `uid gid` of its first process, as the kernel sees it; once it has started. */
  owner(): Promise<string>
  /** Whether it has ended by itself. */
  hasEnded(): boolean
  /** Ends it and removes it. @returns what it wrote */
  stop(): Promise<string>
}

/** Starts what `umoci unpack` made, as its image says, by runc, in the host's network. `env` is added. Needs root. */
export async function startBundle(bundle: string, env: Readonly<Record<string, string>>): Promise<RunningBundle> {
  const path = join(bundle, 'config.json')
  const config = JSON.parse(await readFile(path, 'utf8')) as RuntimeConfig
  config.process.terminal = false
  config.process.env.push(...Object.entries(env).map(([name, value]) => `${name}=${value}`))
  // umoci mounts an empty folder of root over each volume, Docker a copy of the image's own.
  config.mounts = config.mounts.filter(({ source }) => source !== 'none')
  // umoci allows 1024 open files; memcached wants some beside its 1024 connections.
  delete config.process.rlimits
  config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'network')
  await writeFile(path, JSON.stringify(config))
  const name = `ocibake-test-${process.pid}`
  const pidFile = join(bundle, 'pid')
  const runc = ['--root', join(bundle, 'runc')]
  const options = { stdin: 'ignore', all: true, reject: false } as const
  const child = execa('runc', [...runc, 'run', '--bundle', bundle, '--pid-file', pidFile, name], options)
  return {
    async owner() {
      const status = await readFile(`/proc/${await readFile(pidFile, 'utf8')}/status`, 'utf8')
      return `${/^Uid:\t(\d+)/m.exec(status)?.[1]} ${/^Gid:\t(\d+)/m.exec(status)?.[1]}`
    },
    hasEnded: () => child.exitCode !== undefined && child.exitCode !== null,
    async stop() {
      await execa('runc', [...runc, 'delete', '--force', name], { reject: false })
      return (await child).all
    },
  }
}
