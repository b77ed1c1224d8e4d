import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** What a tool wrote to stdout. Throws with its stderr when it fails. */
export async function tool(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 1 << 26 })
  return stdout
}

export async function skopeoCopy(from: string, to: string, ...options: string[]): Promise<void> {
  await tool('skopeo', ['--insecure-policy', 'copy', '--quiet', ...options, from, to])
}

/** What `skopeo inspect` says of an image: its manifest digest, layers, environment … Registries may speak plain http. */
export async function skopeoInspect(image: string): Promise<{ Digest: string; Layers: string[]; Env: string[] }> {
  const options = image.startsWith('docker:') ? ['--tls-verify=false'] : []
  return JSON.parse(await tool('skopeo', ['inspect', ...options, image]))
}
