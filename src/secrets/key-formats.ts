import { dockerAuth } from './docker-auth.ts'
import { pemKey } from './pem-key.ts'
import { entropy } from './randomness.ts'

/** Keys that are known by their looks. */
export const KEY_KINDS = [
  'private-key',
  'aws-key',
  'docker-auth',
  'npm-token',
  'github-token',
  'gitlab-token',
  'slack-token',
] as const

export type KeyKind = (typeof KEY_KINDS)[number]

/** How a kind of key is told from other bytes. */
export interface KeyFormat {
  readonly kind: KeyKind
  /** Every such key starts with one of these, or has one in it. */
  readonly anchors: readonly string[]
  /** Whether it is one. `text` is latin1; the anchor is at `at`, with `BEFORE` and `BEHIND` bytes around it if they exist. */
  isKey(text: string, at: number): boolean
}

/** Bytes around an anchor that decide. The largest RSA key that anybody uses has 13,000 characters. */
export const BEFORE = 512
export const BEHIND = 16 << 10

/** Tokens that are one word, which must stand alone and look drawn by lot. */
function word(kind: KeyKind, anchors: readonly string[], form: RegExp, bits = 3.5): KeyFormat {
  return {
    kind,
    anchors,
    isKey: (text, at) => {
      if (at > 0 && /[A-Za-z0-9_]/.test(text[at - 1]!)) return false
      const found = matchAt(form, text, at)
      return found !== undefined && isReal(found[1] ?? '', bits)
    },
  }
}

/** Behind `=` it may stand: `NAME=secret` is how most are written. */
const SECRET_OF_AWS = /(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/g

/** The id alone opens nothing, and is in logs and documentation: its secret has to be near. */
function awsKey(text: string, at: number): boolean {
  if (at > 0 && /[A-Za-z0-9]/.test(text[at - 1]!)) return false
  const found = matchAt(/(A[KS]IA[A-Z2-7]{16})(?![A-Za-z0-9])/y, text, at)
  if (found === undefined || !isReal(found[1]!, 2.5)) return false
  const around = text.slice(Math.max(0, at - BEFORE), at + BEFORE)
  return (around.match(SECRET_OF_AWS) ?? []).some(isSecretOfAws)
}

/** Not a digest in hex, nor a path of 40 characters. */
function isSecretOfAws(word: string): boolean {
  return isReal(word, 4) && /[a-z]/.test(word) && /[A-Z]/.test(word) && word.split('/').length < 8
}

/** `//host/:_authToken=…` of an `.npmrc`, or of npm's variables: not a variable, not a word that stands for one. */
function npmLogin(text: string, at: number): boolean {
  const line = text.slice(Math.max(0, text.lastIndexOf('\n', at) + 1), at)
  if (!/^\s*(?:npm_config_)?\/\/[^\s=]+$/i.test(line)) return false
  return isTokenOfNpm(matchAt(/:_(?:authToken|auth|password)\s*=\s*["']?([A-Za-z0-9_.~+/=-]{16,})/y, text, at))
}

/** `_authToken=…`, for every registry, as older npms and yarn have it. */
function npmLoginAlone(text: string, at: number): boolean {
  const line = text.slice(Math.max(0, text.lastIndexOf('\n', at) + 1), at)
  if (!/^\s*(?:npm_config_)?$/i.test(line)) return false
  return isTokenOfNpm(matchAt(/_(?:authToken|auth)\s*=\s*["']?([A-Za-z0-9_.~+/=-]{16,})/y, text, at))
}

function isTokenOfNpm(found: RegExpExecArray | undefined): boolean {
  return found !== undefined && /[0-9]/.test(found[1]!) && isReal(found[1]!, 3)
}

/** All formats that are looked for. Google's `AIza…` are not among them: programs and web pages publish theirs. */
export const KEY_FORMATS: readonly KeyFormat[] = [
  { kind: 'private-key', anchors: ['-----BEGIN '], isKey: pemKey },
  { kind: 'aws-key', anchors: ['AKIA', 'ASIA'], isKey: awsKey },
  { kind: 'docker-auth', anchors: ['"auths"'], isKey: dockerAuth },
  { kind: 'npm-token', anchors: [':_auth', ':_password'], isKey: npmLogin },
  { kind: 'npm-token', anchors: ['_authToken', '_auth=', '_auth ='], isKey: npmLoginAlone },
  word('npm-token', ['npm_'], /npm_([A-Za-z0-9]{36})(?![A-Za-z0-9_])/y),
  word('github-token', ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'], /gh[pousr]_([A-Za-z0-9]{36})(?![A-Za-z0-9_])/y),
  word('github-token', ['github_pat_'], /github_pat_([A-Za-z0-9]{22}_[A-Za-z0-9]{59})(?![A-Za-z0-9_])/y),
  word('gitlab-token', ['glpat-', 'gldt-', 'glrt-'], /gl(?:pat|dt|rt)-([A-Za-z0-9_-]{20,300})(?![A-Za-z0-9_-])/y, 3.4),
  word(
    'slack-token',
    ['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-'],
    /xox[bpars]-([0-9]{9,14}-[0-9A-Za-z-]{20,})(?![A-Za-z0-9_-])/y,
    3,
  ),
]

/** Keys that documentation shows say so, or are of few characters. */
function isReal(body: string, bits: number): boolean {
  return entropy(body) >= bits && !/example|xxxx|0000|1234567|abcdef/i.test(body)
}

function matchAt(form: RegExp, text: string, at: number): RegExpExecArray | undefined {
  form.lastIndex = at
  return form.exec(text) ?? undefined
}
