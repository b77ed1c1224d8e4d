import { z } from 'zod'
import { parsePlatform } from '../oci/platform.ts'
import { parseReference } from '../oci/reference.ts'
import { NORMALISERS } from '../provision/normalisers.ts'
import { configSchema } from './config-schema.ts'
import { flag, list, oneOf, parsed, refine, text, texts } from './fields.ts'

const debian = z
  .strictObject({
    debian: refine(text(), (suite) => /^[a-z][a-z0-9-]*$/.test(suite), "expected a suite such as 'bookworm'"),
    variant: text().optional(),
    include: texts().optional(),
    mirror: refine(
      text(),
      (url) => /^(https?|file):\/\//.test(url),
      "expected an address such as 'https://…'",
    ).optional(),
    snapshot: refine(
      text(),
      (time) => /^\d{8}T\d{6}Z$/.test(time),
      "expected a time such as '20260101T000000Z'",
    ).optional(),
  })
  .refine(({ mirror, snapshot }) => mirror === undefined || snapshot === undefined, {
    error: '`mirror` and `snapshot` are alternatives; give one',
  })

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
  platform: parsed(text(), parsePlatform).optional(),
  config: configSchema.optional(),
  layers: oneOf(['squash', 'append']).optional(),
  compression: oneOf(['gzip', 'zstd', 'none']).optional(),
  mediaTypes: oneOf(['oci', 'docker']).optional(),
  created: refine(
    text(),
    (time) => !Number.isNaN(Date.parse(time)),
    "expected a time such as '2026-01-01T00:00:00Z'",
  ).optional(),
  annotations: z
    .record(text(), z.string({ error: 'expected text' }), { error: 'expected an object: name -> text' })
    .optional(),
  tags: list(parsed(text(), parseReference)).optional(),
  normalise: z
    .strictObject(Object.fromEntries(Object.keys(NORMALISERS).map((name) => [name, flag().optional()])))
    .optional(),
})
