import { readFile } from 'node:fs/promises'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { startRegistry } from '../../test/support/registry.ts'
import { startS3 } from '../../test/support/s3.ts'
import type { LeaveClean } from './leave-clean.ts'
import type { MemcachedTarball } from './memcached-tarball.ts'
import { setVariables } from './shown.ts'

export interface Served {
  /** `127.0.0.1:PORT`, without login, plain http. */
  readonly registry: string
  readonly bucket: string
}

/**
 * Starts a registry and an S3 server on free ports of loopback and uploads the tarball. Both end with `clean`. The
 * server's address and keys go where every AWS tool finds them: into the environment.
 */
export async function serve(tarball: MemcachedTarball, clean: LeaveClean): Promise<Served> {
  const registry = await startRegistry()
  clean.later(`stop docker-registry on ${registry.host}`, () => registry.stop())
  console.log(`# docker-registry listens on ${registry.host}`)

  const s3 = await startS3()
  clean.later(`stop the S3 server on ${s3.endpoint}`, () => s3.stop())
  console.log(`# an S3 server that checks signatures listens on ${s3.endpoint}`)

  const bucket = 'coredgeapplications'
  s3.createBucket(bucket)
  const body = await readFile(tarball.path)
  const { endpoint, accessKeyId, secretAccessKey } = s3
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true })
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: tarball.key, Body: body }), {
    abortSignal: clean.signal,
  })
  client.destroy()
  console.log(`# uploaded s3://${bucket}/${tarball.key}, ${body.length} bytes`)
  setVariables(s3.env, ['AWS_SECRET_ACCESS_KEY'])
  return { registry: registry.host, bucket }
}
