import { fstatSync } from 'node:fs'
import { OcibakeError } from '../errors.ts'
import { formatTransport, isStdout } from '../oci/transport.ts'
import { writeFully } from '../oci/write-fully.ts'
import type { TakeBytes } from '../oci/write-piped.ts'
import type { Job } from './refuse-collisions.ts'
import type { Surroundings } from './surroundings.ts'

/**
 * Whether an output of the command goes to stdout, so that nothing else may.
 * @throws USAGE for more than one, whose reader could not tell where the second begins, and for a terminal
 */
export function usesStdout(jobs: readonly Job[], { results }: Surroundings): boolean {
  const piped = jobs.flatMap(({ plan, outputs }) => outputs.filter(isStdout).map((output) => ({ plan, output })))
  const [first, second] = piped.map(({ plan, output }) => ({ file: plan.file, shown: formatTransport(output) }))
  if (second !== undefined) {
    const both = `${first!.shown} of ${first!.file} and ${second.shown} of ${second.file}`
    throw new OcibakeError('USAGE', `${both} both go to stdout, which takes one output.`, {
      hint: 'Build them one by one, or name a file.',
    })
  }
  if (first !== undefined && results.isTTY) {
    throw new OcibakeError('USAGE', `${first.shown} would write an archive to the terminal.`, {
      hint: `Redirect it (ocibake build … > image.tar), pipe it (… | podman load), or name a file.`,
    })
  }
  return first !== undefined
}

/** What gives bytes to whoever reads the stream, when he takes them. */
export function takeBytes(stream: Surroundings['results']): TakeBytes {
  const found = fstatSync(stream.fd)
  // Node's stream for a file does not look whether all of a chunk was written.
  if (!found.isFIFO() && !found.isSocket()) return async (bytes) => writeFully(stream.fd, bytes)
  return (bytes) =>
    new Promise((resolve, reject) => {
      stream.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
}
