import { z } from 'zod'
import { portKeys } from '../oci/ports.ts'
import { duration, flag, list, parsed, refine, text, texts, wholeNumber } from './fields.ts'

const NAME = /^[^=\s]+$/
const done = z.literal(true, { error: 'expected true' }).optional()

const map = (what: string, valid: (key: string) => boolean) =>
  z.record(refine(z.string(), valid, `expected the name of ${what}`), z.string({ error: 'expected text' }), {
    error: `expected an object: name of ${what} -> text`,
  })

const argv = z.union([text(), z.array(z.string({ error: 'expected text' }))], {
  error: 'expected a list, or text for a shell',
})
const ports = list(parsed(z.union([z.number(), z.string()], { error: 'expected a port' }), portKeys))

const healthcheck = z.union(
  [
    z.literal('none'),
    z.strictObject({
      cmd: argv.optional(),
      test: texts().optional(),
      interval: duration().optional(),
      timeout: duration().optional(),
      startPeriod: duration().optional(),
      startInterval: duration().optional(),
      retries: wholeNumber().optional(),
    }),
  ],
  { error: "expected 'none' or { cmd, interval, timeout, startPeriod, startInterval, retries }" },
)

const unset = z.strictObject({
  env: texts().optional(),
  expose: ports.optional(),
  labels: texts().optional(),
  volumes: texts().optional(),
  entrypoint: done,
  cmd: done,
  user: done,
  workdir: done,
  stopSignal: done,
  healthcheck: done,
  onbuild: done,
  shell: done,
  author: done,
})

/** The schema of `config`; what only makes sense beside the base (expansion, the final user) is checked with it. */
export const configSchema = z.strictObject({
  env: map('a variable', (name) => NAME.test(name)).optional(),
  expose: ports.optional(),
  user: z
    // What the whole config is asked for is not asked of a user that is none.
    .union(
      [
        z.number().int({ abort: true }).min(0, { abort: true }),
        z.string().regex(/^[^\s:]+(:[^\s:]+)?$/, { abort: true }),
      ],
      {
        error: "expected 'user', 'user:group' or a number",
      },
    )
    .optional(),
  workdir: text().optional(),
  entrypoint: argv.optional(),
  cmd: argv.optional(),
  keepCmd: flag().optional(),
  labels: map('a label', (name) => name !== '').optional(),
  volumes: list(refine(text(), (path) => path.startsWith('/'), 'expected an absolute path')).optional(),
  stopSignal: z.union([z.number(), text()], { error: "expected a signal such as 'SIGTERM'" }).optional(),
  healthcheck: healthcheck.optional(),
  author: text().optional(),
  shell: texts().optional(),
  unset: unset.optional(),
})
