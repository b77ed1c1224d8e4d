/** Where a registry of Amazon's gets its passwords from. */
export interface EcrService {
  /** The host of the API. */
  readonly api: string
  readonly region: string
  /** What requests are signed for, and whose endpoint `AWS_ENDPOINT_URL_ECR` or `…_ECR_PUBLIC` replaces. */
  readonly service: 'ecr' | 'ecr-public'
}

/**
 * The partitions of AWS: what the hosts of their registries end in -> what the API's do, of the older kind and of the
 * kind that IPv6 reaches, too (`dkr-ecr`). Which regions are in which partition, its names say.
 * (Amazon ECR user guide, "Making API requests over IPv6"; general reference, "Amazon ECR endpoints and quotas")
 */
const CLASSIC = new Map([
  ['amazonaws.com', /^(?!cn-|us-iso|eu-isoe|eusc-)/],
  ['amazonaws.com.cn', /^cn-/],
  ['amazonaws.eu', /^eusc-/],
  ['c2s.ic.gov', /^us-iso-/],
  ['sc2s.sgov.gov', /^us-isob-/],
  ['cloud.adc-e.uk', /^eu-isoe-/],
  ['csp.hci.ic.gov', /^us-isof-/],
])
const DUAL_STACK = new Map([
  ['on.aws', { api: 'api.aws', regions: /^(?!cn-)/ }],
  ['on.amazonwebservices.com.cn', { api: 'api.amazonwebservices.com.cn', regions: /^cn-/ }],
])

const PRIVATE = /^\d{12}\.dkr([.-])ecr(-fips)?\.([a-z]{2,4}(?:-[a-z]+)+-\d)\.([a-z0-9.-]+)$/
const PUBLIC = new Map([
  ['public.ecr.aws', 'api.ecr-public.us-east-1.amazonaws.com'],
  ['ecr-public.aws.com', 'ecr-public.us-east-1.api.aws'],
])

/**
 * The service for a registry as in a Reference, or undefined for every host that is not exactly one of Amazon's: a name
 * like theirs is somebody else's.
 */
export function ecrService(registry: string): EcrService | undefined {
  const open = PUBLIC.get(registry)
  if (open !== undefined) return { api: open, region: 'us-east-1', service: 'ecr-public' }
  const [, kind, fips = '', region = '', suffix = ''] = PRIVATE.exec(registry) ?? []
  if (kind === '-') {
    const dual = DUAL_STACK.get(suffix)
    return dual?.regions.test(region) ? { api: `ecr${fips}.${region}.${dual.api}`, region, service: 'ecr' } : undefined
  }
  if (kind === undefined || CLASSIC.get(suffix)?.test(region) !== true) return undefined
  // An API of its own stands for FIPS, under another name than the usual one.
  return { api: `${fips === '' ? 'api.ecr' : 'ecr-fips'}.${region}.${suffix}`, region, service: 'ecr' }
}
