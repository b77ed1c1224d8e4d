import { chmod, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { testFolder } from './folder.ts'

/** A folder for PATH that holds `docker-credential-NAME` with these lines of shell. */
export async function credentialHelper(name: string, lines: string): Promise<string> {
  const folder = await testFolder()
  const path = join(folder, `docker-credential-${name}`)
  await writeFile(path, `#!/bin/sh\n${lines}\n`)
  await chmod(path, 0o755)
  return [folder, '/usr/bin', '/bin'].join(delimiter)
}

/**
 * `docker-credential-keep`, which keeps what it is given in files as a keychain would, and a list of how it was called.
 * @returns a PATH for it, and what its calls were: arguments and input
 */
export async function keepingHelper(): Promise<{ path: string; calls(): Promise<string[]> }> {
  const folder = await testFolder()
  const path = await credentialHelper(
    'keep',
    `cd '${folder}'; input=$(cat); echo "$* $input" >>calls
case $1 in
store) name=$(echo "$input" | sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/' | tr / _); echo "$input" >"kept-$name" ;;
get) cat "kept-$(echo "$input" | tr / _)" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
erase) rm "kept-$(echo "$input" | tr / _)" ;;
esac`,
  )
  const calls = async () => (await readFile(join(folder, 'calls'), 'utf8').catch(() => '')).trimEnd().split('\n')
  return { path, calls }
}
