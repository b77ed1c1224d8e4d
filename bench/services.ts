import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import type { LeaveClean } from '../scripts/demo/leave-clean.ts'
import { startRegistry } from '../test/support/registry.ts'
import { startS3 } from '../test/support/s3.ts'
import type { Scenario } from './scenario/scenario.ts'
import type { Variant } from './variants.ts'

const BUCKET = 'coredgeapplications'

export interface Services {
  /** `127.0.0.1:PORT`, without login, plain http. */
  readonly registry: string
  /** Variables with which AWS's tools find the S3 server. */
  readonly env: Readonly<Record<string, string>>
  baseOf(variant: Variant): string
  /** The object's path behind the bucket's name, and where that is for tools that know http alone. */
  objectOf(variant: Variant): { readonly s3: string; readonly url: string }
  /**
   * Drops what builds have pushed. A reproducible build would find its blob in the registry, skip the upload, and look
   * faster than it is.
   */
  reset(): Promise<void>
}

/** A registry that holds the bases and an S3 server that holds the tarballs, on loopback; both end with `clean`. */
export async function startServices(scenario: Scenario, clean: LeaveClean): Promise<Services> {
  const registry = await startRegistry()
  clean.later('stop docker-registry', () => registry.stop())
  for (const [name, layout] of scenario.images) {
    const target = `docker://${registry.host}/base/${name}:v1`
    await execa('skopeo', ['copy', '--quiet', '--dest-tls-verify=false', `oci:${layout}:v1`, target])
  }
  const pristine = join(registry.storage, '../pristine')
  // Hard links: the registry renames new files into place and writes none again.
  await execa('cp', ['-al', registry.storage, pristine])

  const s3 = await startS3()
  clean.later('stop the S3 server', () => s3.stop())
  s3.createBucket(BUCKET)
  for (const [name, path] of scenario.objects) s3.put(BUCKET, `${name}.tar.gz`, await readFile(path))
  return {
    registry: registry.host,
    env: s3.env,
    baseOf: ({ base }) => `${registry.host}/base/${base}:v1`,
    objectOf: ({ object }) => {
      const path = `${BUCKET}/${object}.tar.gz`
      return { s3: `s3://${path}`, url: `${s3.endpoint}/${path}` }
    },
    async reset() {
      await rm(join(registry.storage, 'docker'), { recursive: true, force: true })
      await execa('cp', ['-al', join(pristine, 'docker'), registry.storage])
    },
  }
}
