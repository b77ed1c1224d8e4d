import { findProgram } from '../provision/find-program.ts'
import { s3Source } from '../provision/s3-source.ts'
import { type SurveyedPlace, surveyCredentials } from '../registry/credential-survey.ts'
import type { Examined, Finding } from './finding.ts'
import { hostOf } from './network-findings.ts'

/** Where credentials are found, and for what; never what they are. Asks nobody over the network. */
export async function credentialFindings(examined: Examined): Promise<Finding[]> {
  return [await registries(examined), await s3(examined)]
}

async function registries({ env, home }: Examined): Promise<Finding> {
  const places = await surveyCredentials({ env, home })
  const lines = await Promise.all(places.map((place) => described(place, env)))
  const found = lines.filter((line) => line !== undefined)
  const problem = places.some((place) => place.problem !== undefined)
  const missing = found.some((line) => line.includes('NOT ON THE PATH'))
  return {
    what: 'registry credentials',
    state: problem || missing ? 'missing' : found.length === 0 ? 'not needed' : 'ok',
    found: found.join('; ') || `none; looked for ${places.map(({ place }) => place).join(', ')}`,
    neededFor: 'pushing, and private bases',
    howToGet: 'ocibake login HOST; in CI: OCIBAKE_REGISTRY_TOKEN=HOST=USER:PASSWORD',
  }
}

async function described(surveyed: SurveyedPlace, env: Examined['env']): Promise<string | undefined> {
  const { place, hosts, helpers = [], problem } = surveyed
  if (problem !== undefined) return problem
  if (hosts === undefined) return undefined
  const asked = helpers.map(async ({ host, program }) => {
    const there = (await findProgram(program, env)) !== undefined
    return `${host} by ${program}${there ? '' : ' (NOT ON THE PATH)'}`
  })
  return `${place}: ${[...hosts, ...(await Promise.all(asked))].join(', ') || 'nothing in it'}`
}

async function s3({ env, home }: Examined): Promise<Finding> {
  const { source, region, endpoint } = await s3Source({ env, home })
  const place = `region ${region ?? 'not set'}, endpoint ${endpoint === undefined ? 'of AWS' : hostOf(endpoint)}`
  return {
    what: 'S3 credentials',
    state: source === undefined ? 'not needed' : 'ok',
    found: `${source ?? 'none set (an instance role would be asked for over the network)'}; ${place}`,
    neededFor: '`unpack: s3://…` of a private bucket',
    howToGet: 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or a role of the pod or machine',
  }
}
