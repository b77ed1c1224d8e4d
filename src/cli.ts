#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { CommanderError } from 'commander'
import { program } from './cli/program.ts'
import { OcibakeError } from './errors.ts'
import { renderError } from './report/render-error.ts'

const stop = new AbortController()
const stopped = { code: 0 }
for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.on(name, () => {
    // The second time the user means it: nothing half-written is ever visible, so leaving at once is safe too.
    if (stop.signal.aborted) process.exit(code)
    stopped.code = code
    stop.abort(new OcibakeError('INTERRUPTED', `Stopped by ${name}; nothing was published.`))
  })
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
const top = program({
  env: process.env,
  home: homedir(),
  version,
  stdout: (text) => void process.stdout.write(text),
  stderr: process.stderr,
  signal: stop.signal,
})

try {
  await top.parseAsync(process.argv)
} catch (error) {
  process.exitCode = report(error)
}

function report(error: unknown): number {
  // Commander has said what it has to say.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const known = stop.signal.aborted ? stop.signal.reason : error
  process.stderr.write(renderError(known, top.opts().debug === true))
  if (stopped.code !== 0) return stopped.code
  return known instanceof OcibakeError ? known.exitCode : 70
}
