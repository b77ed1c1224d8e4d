import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { OcibakeError } from '../errors.ts'
import type { Surroundings } from './surroundings.ts'

const LARGEST = 64 << 10

/** All of stdin as text, without the line end that `echo` puts behind it. @throws USAGE above 64 KiB */
export async function readAll({ stdin }: Surroundings): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stdin()) {
    chunks.push(Buffer.from(chunk))
    size += chunk.length
    if (size > LARGEST) throw new OcibakeError('USAGE', `stdin has more than ${LARGEST} bytes: that is no password.`)
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

/** A line from the terminal. @throws USAGE where there is none */
export function askText(question: string, around: Surroundings): Promise<string> {
  return ask(question, around, around.stderr)
}

/** A line from the terminal that is not shown. @throws USAGE where there is none */
export async function askSecret(question: string, around: Surroundings): Promise<string> {
  const nowhere = new Writable({ write: (_, __, done) => done() })
  try {
    // Asked for when the terminal has stopped to show what is typed, and not before.
    return await ask('', around, nowhere, () => around.stderr.write(question))
  } finally {
    around.stderr.write('\n')
  }
}

async function ask(
  question: string,
  { stdin, signal }: Surroundings,
  output: Writable,
  ready = () => {},
): Promise<string> {
  const input = stdin()
  if (!input.isTTY) {
    throw new OcibakeError('USAGE', 'There is no terminal to ask for a user name and password.', {
      hint: 'Pipe the password in: ocibake login REGISTRY --username NAME --password-stdin',
    })
  }
  const lines = createInterface({ input, output, terminal: true })
  ready()
  const stopped = Promise.withResolvers<never>()
  const stop = () => stopped.reject(new OcibakeError('INTERRUPTED', 'Nobody was logged in.'))
  // The terminal gives Ctrl-C as a key while its line is read here.
  lines.once('SIGINT', stop).once('close', stop)
  try {
    return await Promise.race([lines.question(question, { signal }), stopped.promise])
  } finally {
    lines.off('close', stop).close()
  }
}
