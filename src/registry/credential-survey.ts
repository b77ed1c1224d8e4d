import { OcibakeError } from '../errors.ts'
import { environmentCredentials } from './credential-env.ts'
import { type CredentialFile, readCredentialFile } from './credential-file.ts'
import { type CredentialSurroundings, credentialPaths, inlineFile } from './credentials.ts'
import { redact } from './redact.ts'

/** What one of the places says in which credentials are looked for: names, never what is kept under them. */
export interface SurveyedFile {
  /** Of a file, or the name of a variable. */
  readonly path: string
  /** Undefined: the file is not there, or `problem` says why it is of no use. */
  readonly hosts?: readonly string[]
  /** `docker-credential-NAME` of a host; `*` for every other one. */
  readonly helpers?: readonly { readonly host: string; readonly program: string }[]
  readonly problem?: string
}

/**
 * The variables that are set, and the files, in the order in which they are asked. Asks no helper: some would open a
 * window.
 */
export async function surveyCredentials(around: CredentialSurroundings): Promise<SurveyedFile[]> {
  const { env } = around
  const given = await survey('OCIBAKE_REGISTRY_TOKEN…', async () => fileOf(environmentCredentials(env)))
  const inline = await survey('DOCKER_AUTH_CONFIG', async () => inlineFile(env))
  const files = credentialPaths(around).map((path) => survey(path, () => readCredentialFile(path)))
  const isSet = ({ hosts = [], helpers = [], problem }: SurveyedFile) =>
    hosts.length > 0 || helpers.length > 0 || problem !== undefined
  return [...[given, inline].filter(isSet), ...(await Promise.all(files))]
}

function fileOf(given: ReadonlyMap<string, unknown>): CredentialFile {
  const auths = new Map([...given.keys()].map((key) => [key, {}]))
  return { path: '', auths, helpers: new Map(), store: undefined }
}

async function survey(path: string, read: () => Promise<CredentialFile | undefined>): Promise<SurveyedFile> {
  try {
    const file = await read()
    if (file === undefined) return { path }
    const helpers = [...file.helpers].map(([host, name]) => ({ host: redact(host), program: programOf(name) }))
    const store = file.store === undefined ? [] : [{ host: '*', program: programOf(file.store) }]
    return { path, hosts: [...file.auths.keys()].map(redact), helpers: [...helpers, ...store] }
  } catch (error) {
    if (!(error instanceof OcibakeError)) throw error
    return { path, problem: error.message }
  }
}

const programOf = (name: string) => `docker-credential-${name}`
