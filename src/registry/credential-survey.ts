import { OcibakeError } from '../errors.ts'
import { environmentCredentials } from './credential-env.ts'
import { type CredentialFile, readCredentialFile } from './credential-file.ts'
import { type CredentialSurroundings, credentialPaths, inlineFile } from './credentials.ts'
import { redact } from './redact.ts'
import { AUTH_FILES, helpersLookup } from './registries-conf.ts'

/** What one of the places says in which credentials are looked for: names, never what is kept under them. */
export interface SurveyedPlace {
  /** A path, or variables. */
  readonly place: string
  /** Undefined: there is nothing, or `problem` says why it is of no use. */
  readonly hosts?: readonly string[]
  /** `docker-credential-NAME` of a host; `*` for every other one. */
  readonly helpers?: readonly { readonly host: string; readonly program: string }[]
  readonly problem?: string
}

/** The places in the order in which they are asked. Asks no helper, some of which open a window, and nobody else. */
export async function surveyCredentials(around: CredentialSurroundings): Promise<SurveyedPlace[]> {
  const { env } = around
  const inEnvironment = async () => {
    const hosts = [...environmentCredentials(env).keys()].map(redact)
    return hosts.length === 0 ? {} : { hosts }
  }
  return await Promise.all([
    survey('OCIBAKE_REGISTRY_TOKEN', inEnvironment),
    survey('DOCKER_AUTH_CONFIG', async () => namesIn(inlineFile(env))),
    ...credentialPaths(around).map((path) => survey(path, async () => namesIn(await readCredentialFile(path)))),
    survey('registries.conf', () => namedPrograms(around)),
  ])
}

/** What `credential-helpers` names beside the files above. */
async function namedPrograms(around: CredentialSurroundings): Promise<Omit<SurveyedPlace, 'place'>> {
  const names = (await helpersLookup(around)()).filter((name) => name !== AUTH_FILES)
  return names.length === 0
    ? {}
    : { hosts: [], helpers: names.map((name) => ({ host: '*', program: programOf(name) })) }
}

async function survey(place: string, look: () => Promise<Omit<SurveyedPlace, 'place'>>): Promise<SurveyedPlace> {
  try {
    return { place, ...(await look()) }
  } catch (error) {
    if (!(error instanceof OcibakeError)) throw error
    return { place, problem: error.message }
  }
}

function namesIn(file: CredentialFile | undefined): Omit<SurveyedPlace, 'place'> {
  if (file === undefined) return {}
  const helpers = [...file.helpers].map(([host, name]) => ({ host: redact(host), program: programOf(name) }))
  const store = file.store === undefined ? [] : [{ host: '*', program: programOf(file.store) }]
  return { hosts: [...file.auths.keys()].map(redact), helpers: [...helpers, ...store] }
}

const programOf = (name: string) => `docker-credential-${name}`
