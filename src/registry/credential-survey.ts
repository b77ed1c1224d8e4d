import { OcibakeError } from '../errors.ts'
import { readCredentialFile } from './credential-file.ts'
import { type CredentialSurroundings, credentialPaths } from './credentials.ts'
import { redact } from './redact.ts'

/** What one of the files says in which credentials are looked for: names, never what is kept under them. */
export interface SurveyedFile {
  readonly path: string
  /** Undefined: the file is not there, or `problem` says why it is of no use. */
  readonly hosts?: readonly string[]
  /** `docker-credential-NAME` of a host; `*` for every other one. */
  readonly helpers?: readonly { readonly host: string; readonly program: string }[]
  readonly problem?: string
}

/** The files in the order in which they are asked. Asks no helper: some would open a window. */
export async function surveyCredentials(around: CredentialSurroundings): Promise<SurveyedFile[]> {
  return await Promise.all(credentialPaths(around).map(survey))
}

async function survey(path: string): Promise<SurveyedFile> {
  try {
    const file = await readCredentialFile(path)
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
