import { type Bucket, S3Server } from './s3-server.ts'
import type { Keys } from './sigv4.ts'

export interface S3 extends Keys {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string
  /** What makes the AWS SDK and the AWS command line use this server, and nothing of this machine's. */
  readonly env: Readonly<Record<string, string>>
  readonly server: S3Server
  createBucket(name: string, bucket?: Partial<Bucket>): void
  /** @returns the version's id */
  put(bucket: string, key: string, body: Buffer | string | null, checksums?: Readonly<Record<string, string>>): string
  stop(): Promise<void>
}

/** Starts an S3 server that checks signatures, on a free port of loopback. Whoever starts it stops it. */
export async function startS3(keys: Partial<Keys> = {}): Promise<S3> {
  const used = {
    accessKeyId: 'AKIATESTTESTTESTTEST',
    secretAccessKey: 'test/secret+key=of/forty/characters/1234',
    ...keys,
  }
  const server = new S3Server(used)
  const endpoint = await server.listen()
  const env = {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: used.accessKeyId,
    AWS_SECRET_ACCESS_KEY: used.secretAccessKey,
    AWS_SESSION_TOKEN: used.sessionToken ?? '',
    AWS_REGION: 'us-east-1',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  return {
    ...used,
    endpoint,
    env,
    server,
    createBucket: (name, bucket) => server.createBucket(name, bucket),
    put: (bucket, key, body, checksums) => server.put(bucket, key, body, checksums),
    stop: () => server.stop(),
  }
}
