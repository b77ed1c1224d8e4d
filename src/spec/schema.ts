import { z } from 'zod'
import { scratchConfig } from '../oci/config.ts'
import { type ConfigChanges, configure } from '../oci/configure.ts'
import { hostPlatform } from '../oci/platform.ts'
import { parseReference } from '../oci/reference.ts'
import { DEBIAN_VARIANTS } from '../provision/mmdebstrap.ts'
import { NORMALISERS } from '../provision/normalisers.ts'
import { SECRET_KINDS } from '../secrets/secret-search.ts'
import { configSchema } from './config-schema.ts'
import { flag, list, oneOf, parsed, refine, text, texts } from './fields.ts'
import { parsePlatforms } from './platforms.ts'

const debian = z
  .strictObject({
    debian: refine(text(), (suite) => /^[a-z][a-z0-9-]*$/.test(suite), "expected a suite such as 'bookworm'"),
    variant: oneOf(DEBIAN_VARIANTS).optional(),
    include: texts().optional(),
    mirror: refine(text(), (url) => /^https?:\/\//.test(url), "expected an address such as 'https://…'").optional(),
    snapshot: refine(
      text(),
      (time) => /^\d{8}T\d{6}Z$/.test(time),
      "expected a time such as '20260101T000000Z'",
    ).optional(),
  })
  .refine(({ mirror, snapshot }) => mirror === undefined || snapshot === undefined, {
    error: '`mirror` and `snapshot` are alternatives; give one',
  })

/** Where SECRET_FOUND may say that something is. */
const place = refine(
  text(),
  (path) => /^(\/|config\.|history$|sbom$|annotations\.)/.test(path) && !path.split('/').includes('..'),
  "expected an absolute path, or a place such as 'config.env.TOKEN', 'history' or 'annotations.NAME'",
)

/** Everything of a spec but its steps, which are checked by their verbs. */
export const specSchema = z.strictObject({
  name: refine(
    text(),
    (name) => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name),
    'expected letters, digits, dots, dashes',
  ).optional(),
  from: z.union([text(), debian], {
    error: (issue) =>
      issue.input === undefined
        ? 'is missing; name a base image, or scratch'
        : 'expected a reference or { debian: suite }',
  }),
  platform: parsed(
    z.union([text(), texts()], { error: "expected a platform such as 'linux/amd64', or a list of them" }),
    (platforms) => parsePlatforms([platforms].flat()),
  ).optional(),
  // What a config may say is one module's business; what it must look like is the schema's.
  config: parsed(configSchema, (config) =>
    configure(scratchConfig(hostPlatform()), config as ConfigChanges),
  ).optional(),
  layers: oneOf(['squash', 'append']).optional(),
  readBase: flag().optional(),
  compression: oneOf(['gzip', 'zstd', 'none']).optional(),
  recompress: flag().optional(),
  mediaTypes: oneOf(['oci', 'docker']).optional(),
  created: refine(text(), isTime, "expected a time with its zone, such as '2026-01-01T00:00:00Z'").optional(),
  annotations: z
    .record(text(), z.string({ error: 'expected text' }), { error: 'expected an object: name -> text' })
    .optional(),
  tags: list(parsed(text(), parseTag)).optional(),
  normalise: z
    .strictObject(Object.fromEntries(Object.keys(NORMALISERS).map((name) => [name, flag().optional()])))
    .optional(),
  allowSecrets: list(
    z.union([place, z.strictObject({ path: place.optional(), kind: oneOf(SECRET_KINDS).optional() })], {
      error: `expected a path, or { path, kind } with a kind of ${SECRET_KINDS.join(', ')}`,
    }),
  ).optional(),
})

/** Without a zone it would be another time on every machine. */
function isTime(text: string): boolean {
  return (
    /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text) &&
    !Number.isNaN(Date.parse(text))
  )
}

function parseTag(text: string): void {
  if (parseReference(text).digest === undefined) return
  throw new Error('has a digest, which only a base can have: what is pushed gets its own')
}
