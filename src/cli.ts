#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { setImmediate } from 'node:timers/promises'

const { version, engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
  engines: { node: string }
}
const wanted = Number(/\d+/.exec(engines.node))

if (Number.parseInt(process.versions.node, 10) < wanted) {
  const ways = `npm install node@${wanted} (npx ocibake then finds it), or https://nodejs.org/en/download`
  process.stderr.write(
    `ocibake needs Node.js ${wanted} or newer; this is ${process.versions.node}. To get it: ${ways}\n`,
  )
  process.exitCode = 1
} else {
  // Older versions cannot load what this imports, and would say so in a stack trace.
  const { main } = await import('./cli/main.ts')
  process.exitCode = await main(process, {
    env: process.env,
    home: homeFolder(),
    version,
    stdin: () => process.stdin,
    stdout: (text) => void process.stdout.write(text),
    results: process.stdout,
    stderr: process.stderr,
  })
  await leave()
}

/**
 * Ends the process if nothing is left to do, not even to write what a slow reader has not taken. Node would first take
 * its heap down piece by piece, which the system does at once. Of Node's own threads this ends what nobody waits for.
 */
async function leave(): Promise<void> {
  // The last answer of the filesystem is still being given.
  await setImmediate()
  // Whoever has stopped it does not wait for a reader that takes no more of an image.
  const isStopped = Number(process.exitCode) > 128 && process.stdout.writableLength > 0
  const isDone = process.getActiveResourcesInfo().every((kind) => kind === 'PipeWrap' || kind === 'TTYWrap')
  if (isStopped || isDone) process.exit()
}

/** A user without HOME and without an account, as containers have them, is at home nowhere. */
function homeFolder(): string {
  try {
    return homedir()
  } catch {
    return '/'
  }
}
