import { z } from 'zod'
import { messageOf } from '../errors.ts'
import { nanoseconds } from '../oci/duration.ts'
import { isJsonObject } from '../oci/json.ts'
import { isFileMode } from '../provision/file-mode.ts'
import { parseS3Uri } from '../provision/s3-location.ts'
import { checkHop } from '../provision/web-address.ts'
import { duration, flag, imageFolder, imageGlob, list, oneOf, refine, text, texts, wholeNumber } from './fields.ts'
import { modeText } from './mode-text.ts'

const OCTAL_TEXT = "expected an octal mode as text, such as '0644'"
const OCTAL = refine(modeText(OCTAL_TEXT), (mode) => /^0?[0-7]{3,4}$/.test(mode), OCTAL_TEXT)
const MODE_TEXT = "expected a mode as chmod takes it, as text: '0755' or 'g+rwX'"
const OWNER = refine(text(), (owner) => /^[^:\s]+(:[^:\s]+)?$/.test(owner), "expected 'user' or 'user:group'")
const CHOWN = refine(
  text(),
  (by) => /^([^:\s]+(:[^:\s]+)?|:[^:\s]+)$/.test(by),
  "expected 'user', 'user:group' or ':group'",
)
const SHA256 = refine(text(), (hex) => /^[0-9a-f]{64}$/.test(hex), 'expected 64 lower-case hex digits')
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/
const globs = z.union([imageGlob(), list(imageGlob())], { error: 'expected an absolute path or a list of them' })
const below = () =>
  refine(imageGlob(), (path) => path.replaceAll(/[/.]/g, '') !== '', "expected something in '/', not the root itself")
const removable = z.union([below(), list(below())], { error: 'expected an absolute path or a list of them' })
const commands = z.union([text(), texts()], { error: 'expected a script or a list of commands' })

const variableName = () => refine(text(), (name) => VARIABLE.test(name), 'expected the name of a variable')
const secretSource = {
  id: refine(text(), (id) => /^[A-Za-z0-9_.-]+$/.test(id), 'expected letters, digits, dots, dashes'),
  source: refine(
    text(),
    (from) => /^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/s.test(from),
    "expected 'env:NAME' or 'file:PATH'",
  ),
}
const secret = z.strictObject({ ...secretSource, file: imageFolder().optional(), env: variableName().optional() })
const variableSecret = z.strictObject({ ...secretSource, env: variableName() })
const uniqueIds = <T extends z.ZodType<readonly { id: string }[]>>(secrets: T) =>
  refine(secrets, (all) => new Set(all.map(({ id }) => id)).size === all.length, 'has an id twice')
const variables = <T extends z.ZodType>(value: T) =>
  z.record(variableName(), value, { error: 'expected an object of variables' })
const environment = variables(z.string({ error: 'expected text' }))
const timeout = refine(duration(), (time) => nanoseconds(time, 'it') > 0, 'expected more than nothing')
const network = oneOf(['host', 'none'])
const paths = z.union([text(), texts()], { error: 'expected a path or a list of them' })
const groupName = refine(text(), (name) => VARIABLE.test(name), 'expected letters, digits and underscores')

const ansible = z.strictObject({
  ansible: paths,
  extraArgs: texts().optional(),
  extraVars: variables(refine(z.unknown(), isJson, 'expected a value that JSON can say')).optional(),
  groups: list(groupName).optional(),
  emptyGroups: list(groupName).optional(),
  hostAlias: refine(
    text(),
    (name) => /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name),
    'expected the name of a host',
  ).optional(),
  inventoryDirectory: text().optional(),
  rolesPath: paths.optional(),
  collectionsPath: paths.optional(),
  galaxy: text().optional(),
  env: environment.optional(),
  user: OWNER.optional(),
  timeout: timeout.optional(),
  network: network.optional(),
  secrets: uniqueIds(list(variableSecret)).optional(),
  cache: flag().optional(),
})

const unpack = z
  .strictObject({
    unpack: text(),
    to: imageFolder(),
    stripComponents: wholeNumber().optional(),
    wildcards: texts().optional(),
    exclude: texts().optional(),
    take: imageGlob().optional(),
    owner: OWNER.optional(),
    sha256: SHA256.optional(),
    versionId: text().optional(),
    unverified: flag().optional(),
  })
  .check(({ value, issues }) => {
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value.unpack)?.[1]?.toLowerCase()
    if (scheme !== undefined && !['s3', 'https', 'http'].includes(scheme)) {
      const message = `comes by ${scheme}://; ocibake fetches s3:// and https://`
      issues.push({ code: 'custom', input: value, path: ['unpack'], message })
    }
    if (scheme?.startsWith('http') && value.sha256 === undefined && value.unverified !== true) {
      issues.push({
        code: 'custom',
        input: value,
        path: ['sha256'],
        message: 'is required for what comes from the web; or say `unverified: true`',
      })
    }
    for (const path of ['stripComponents', 'wildcards'] as const) {
      if (value.take === undefined || value[path] === undefined) continue
      issues.push({ code: 'custom', input: value, path: [path], message: 'is not for what `take` names' })
    }
    try {
      if (scheme === 's3') parseS3Uri(value.unpack)
      if (scheme?.startsWith('http')) checkHop(new URL(value.unpack))
    } catch (error) {
      issues.push({ code: 'custom', input: value, path: ['unpack'], message: messageOf(error) })
    }
    if (value.versionId !== undefined && !value.unpack.startsWith('s3://')) {
      issues.push({ code: 'custom', input: value, path: ['versionId'], message: 'is for s3:// sources only' })
    }
  })

function isJson(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isJson)
  if (isJsonObject(value)) return Object.values(value).every(isJson)
  return value === null || Number.isFinite(value) || typeof value === 'string' || typeof value === 'boolean'
}

/** The schema of each kind of step, by its verb: the key that a step starts with. */
export const stepSchemas = {
  copy: z.strictObject({
    copy: text(),
    to: imageFolder(),
    exclude: texts().optional(),
    owner: OWNER.optional(),
    mode: refine(
      modeText(`${OCTAL_TEXT}, or 'keep'`),
      (mode) => /^(keep|0?[0-7]{3,4})$/.test(mode),
      `${OCTAL_TEXT}, or 'keep'`,
    ).optional(),
  }),
  unpack,
  write: z.strictObject({
    write: refine(
      imageFolder(),
      (path) => !path.endsWith('/'),
      'expected the path of a file, without a slash at its end',
    ),
    text: z.string({ error: 'expected text' }),
    mode: OCTAL.optional(),
    owner: OWNER.optional(),
  }),
  remove: z.strictObject({ remove: removable }),
  own: z.strictObject({ own: globs, by: CHOWN, recursive: flag().optional() }),
  chmod: z.strictObject({
    chmod: globs,
    mode: refine(modeText(MODE_TEXT), isFileMode, MODE_TEXT),
    recursive: flag().optional(),
  }),
  link: z.strictObject({ link: imageFolder(), target: text(), hard: flag().optional() }),
  run: z.strictObject({
    run: commands,
    shell: refine(
      texts(),
      ([program]) => program?.startsWith('/') === true,
      'expected a list that starts with the absolute path of a shell',
    ).optional(),
    env: environment.optional(),
    user: OWNER.optional(),
    workdir: imageFolder().optional(),
    timeout: timeout.optional(),
    network: network.optional(),
    secrets: uniqueIds(list(secret)).optional(),
  }),
  ansible,
} as const

export type Verb = keyof typeof stepSchemas
