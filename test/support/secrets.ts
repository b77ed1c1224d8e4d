import { execFileSync } from 'node:child_process'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Characters of chance that are the same in each run: no file of ours has something that looks like a key. */
function drawn(seed: string, length: number, alphabet: string): string {
  let text = ''
  for (let i = 0; text.length < length; i++) {
    for (const byte of createHash('sha512').update(`${seed} ${i}`).digest()) text += alphabet[byte % alphabet.length]
  }
  return text.slice(0, length)
}

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const WORD = `${UPPER}${UPPER.toLowerCase()}0123456789`

/** A value such as registries and clouds give out. */
export const token = (seed: string, length = 36) => drawn(seed, length, WORD)

const pkcs8 = { type: 'pkcs8', format: 'pem' } as const
const sec1 = { type: 'sec1', format: 'pem' } as const
const privateKey = () => generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(pkcs8).toString().trim()

/** An access key as a file of variables has it, and a config. */
export const awsVariables = () => [
  `AWS_ACCESS_KEY_ID=AKIA${drawn('id', 16, `${UPPER}234567`)}`,
  `AWS_SECRET_ACCESS_KEY=${token('aws', 40)}`,
]

let made: Record<string, string> | undefined

/** Keys of all kinds that are known by their looks, by kind, with what is special about each. None of them opens anything. */
export function examples(): Record<string, string> {
  made ??= {
    'private-key': privateKey(),
    'private-key, small': generateKeyPairSync('ed25519').privateKey.export(pkcs8).toString(),
    'private-key, of an elliptic curve': ellipticKey(),
    'private-key, with a passphrase': generateKeyPairSync('ed25519').privateKey.export({
      ...pkcs8,
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    }) as string,
    'private-key, of ssh': sshKey(),
    'private-key, of a service account': JSON.stringify({ type: 'service_account', private_key: `${privateKey()}\n` }),
    'private-key, with the lines of Windows': privateKey().replaceAll('\n', '\r\n'),
    'aws-key': `aws_access_key_id = AKIA${drawn('id', 16, `${UPPER}234567`)}\naws_secret_access_key = ${token('aws', 40)}`,
    'aws-key, in variables': awsVariables().join('\n'),
    'aws-key, in variables of a shell': awsVariables()
      .map((line) => `export ${line}`)
      .join('\n'),
    'docker-auth': JSON.stringify({
      auths: { 'ghcr.io': { auth: Buffer.from(`me:${token('d')}`).toString('base64') } },
    }),
    'docker-auth, a token': JSON.stringify({ auths: { 'example.com': { identitytoken: token('i') } } }, null, 2),
    'npm-token': `npm_${token('npm')}`,
    'npm-token, for every registry': `_authToken = ${token('npmrc')}`,
    'npm-token, a login for every registry': `_auth=${Buffer.from(`me:${token('npmrc')}`).toString('base64')}`,
    'npm-token, in a variable': `npm_config_//registry.example.com/:_authToken=${token('v')}`,
    'npm-token, of a registry': `//registry.example.com/team/:_authToken=${token('n')}`,
    'github-token': `ghp_${token('gh')}`,
    'github-token, fine-grained': `github_pat_${token('g', 22)}_${token('p', 59)}`,
    'gitlab-token': `glpat-${token('gl', 20)}`,
    'slack-token': `xoxb-${drawn('s', 12, '123456789')}-${drawn('l', 12, '123456789')}-${token('slack', 24)}`,
  }
  return made
}

function ellipticKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export(sec1).toString()
}

function sshKey(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ocibake-key-'))
  try {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
    return readFileSync(join(folder, 'key'), 'utf8')
  } finally {
    rmSync(folder, { recursive: true })
  }
}
