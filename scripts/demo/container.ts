import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { run, show } from './shown.ts'

export interface Container {
  readonly user: { readonly uid: number; readonly gid: number }
  /** Asks it to end as its image says, and removes what the runtime kept. Safe to call twice. */
  stop(): Promise<void>
}

interface RuntimeConfig {
  process: { terminal: boolean; env: string[]; rlimits?: unknown; user: { uid: number; gid: number }; args: string[] }
  linux: { namespaces: { type: string }[] }
}

/**
 * Starts the image of an OCI layout (`dir:tag`) with umoci and runc, the plainest pair: no daemon, no store, no network of
 * its own. `folder` is private; `env` comes on top of the image's. Its output goes to this terminal. Needs root.
 */
export async function startContainer(
  image: string,
  folder: string,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Container> {
  const bundle = join(folder, 'bundle')
  await run(['umoci', 'unpack', '--image', image, bundle], signal)
  const user = await settle(join(bundle, 'config.json'), env)
  console.log(
    `# config.json of the bundle: no terminal, the host's network, ${Object.entries(env).map((e) => e.join('='))}`,
  )
  console.log(`# It runs as uid ${user.uid}, gid ${user.gid}, as the image says.`)
  const name = `ocibake-demo-${process.pid}`
  const runc = ['runc', '--root', join(folder, 'runc')]
  const command = [...runc, 'run', '--bundle', bundle, name]
  show(command)
  // In a process group of its own: Ctrl-C in the terminal is for the demo, which then stops the container.
  const [program, ...args] = command
  const child = execa(program!, args, {
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
    detached: true,
    reject: false,
  })
  return {
    user: { uid: user.uid, gid: user.gid },
    async stop() {
      await execa(runc[0]!, [...runc.slice(1), 'kill', name, 'TERM'], { reject: false })
      const patience = setTimeout(
        () => void execa(runc[0]!, [...runc.slice(1), 'kill', name, 'KILL'], { reject: false }),
        5000,
      )
      await child
      clearTimeout(patience)
      await execa(runc[0]!, [...runc.slice(1), 'delete', '--force', name], { reject: false })
    },
  }
}

async function settle(path: string, env: Readonly<Record<string, string>>): Promise<RuntimeConfig['process']['user']> {
  const config = JSON.parse(await readFile(path, 'utf8')) as RuntimeConfig
  config.process.terminal = false
  config.process.env.push(...Object.entries(env).map(([name, value]) => `${name}=${value}`))
  // umoci allows 1024 open files; memcached wants some beside its 1024 connections.
  delete config.process.rlimits
  config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'network')
  await writeFile(path, JSON.stringify(config, null, 2))
  return config.process.user
}
