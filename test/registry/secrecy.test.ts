import { readdirSync, readFileSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runCli } from '../support/cli.ts'
import { testFolder } from '../support/folder.ts'
import { REGISTRY_USER, startRegistry } from '../support/registry.ts'

const { username, password } = REGISTRY_USER

/** Every form in which a password is likely to be written somewhere. */
function formsOf(user: string, secret: string): string[] {
  const pair = Buffer.from(`${user}:${secret}`)
  const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]
  return [...forms, pair.toString('base64').replace(/=+$/, ''), pair.toString('base64url'), pair.toString('hex')]
}

function filesBelow(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.map((name) => join(folder, name)).filter((path) => statSync(path).isFile())
}

test('credentials of a registry are in nothing that a build writes or says, whether it succeeds or fails', async () => {
  const folder = await testFolder()
  const registry = await startRegistry({ auth: 'token' })
  onTestFinished(() => registry.stop())
  await writeFile(join(folder, 'a.spec.json'), JSON.stringify({ from: 'scratch', steps: [{ write: '/a', text: 'a' }] }))
  const place = `${registry.host}/team/a`
  const build = ['build', 'a.spec.json', '--push', '--tag', `${place}:1`, '--metadata-file', 'built.json']
  const wrong = 'wr0ng & secret'
  const env = { OCIBAKE_REGISTRY_TOKEN: `${registry.host}=${username}:${password}` }
  const said: string[] = []
  const run = async (args: readonly string[], variables: Record<string, string>, code: number) => {
    const result = await runCli(args, { cache: folder, cwd: folder, env: variables })
    expect(result.code, result.stderr).toBe(code)
    said.push(result.stdout, result.stderr)
    return result.stderr
  }
  await run(['--debug', ...build, '-o', 'oci:out', '--progress', 'json'], env, 0)
  await run(['--debug', 'inspect', `${place}:1`], env, 0)
  const refused = { OCIBAKE_REGISTRY_TOKEN_CI: `${registry.host}=${username}:${wrong}` }
  const words = await run(['--debug', ...build], refused, 3)
  expect(words).toContain(`asked as '${username}' from OCIBAKE_REGISTRY_TOKEN_CI`)
  expect(words).toContain(`-> Those credentials are wrong or have expired: ocibake login ${registry.host}`)

  const written = filesBelow(folder).map((path) => [path, readFileSync(path, 'latin1')] as const)
  expect(written.length).toBeGreaterThan(8)
  const sent = registry.tokenRequests.map((query) => ['a query', query.toString()] as const)
  const everything = [...said.map((text) => ['output', text] as const), ...written, ...sent]
  for (const form of [...formsOf(username, password), ...formsOf(username, wrong)]) {
    for (const [where, text] of everything) expect(text.includes(form), `${form} in ${where}`).toBe(false)
  }
  // Tokens that the registry gave are secrets, too.
  for (const [where, text] of everything) expect(/eyJ[\w-]{20,}/.test(text), `a token in ${where}`).toBe(false)
})
