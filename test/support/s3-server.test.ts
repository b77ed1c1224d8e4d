import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type S3, startS3 } from './s3.ts'
import { verifySignature } from './sigv4.ts'

const run = promisify(execFile)
const KEYS = ['plain.txt', 'a b+c%20d/é (1)!.tar', '日本/~x_y-z', "it's*"]

describe('the S3 server of the tests', () => {
  let s3: S3
  beforeAll(async () => {
    s3 = await startS3()
    s3.createBucket('bucket')
  })
  afterAll(() => s3.stop())

  const curl = async (
    path: string,
    options: readonly string[] = [],
    user = `${s3.accessKeyId}:${s3.secretAccessKey}`,
  ) => {
    const url = `${s3.endpoint}/bucket/${path}`
    const signing = [
      '--aws-sigv4',
      'aws:amz:us-east-1:s3',
      '--user',
      user,
      '-H',
      'x-amz-content-sha256: UNSIGNED-PAYLOAD',
    ]
    const { stdout } = await run('curl', ['-sS', '-w', '\n%{http_code}', ...signing, ...options, url])
    return stdout
  }

  it('agrees with the signature of the example in the S3 reference, "GET Object"', () => {
    const request = {
      method: 'GET',
      target: '/test.txt',
      headers: {
        host: 'examplebucket.s3.amazonaws.com',
        range: 'bytes=0-9',
        'x-amz-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        'x-amz-date': '20130524T000000Z',
        authorization:
          'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
      },
      body: Buffer.alloc(0),
    }
    const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
    const then = Date.parse('2013-05-24T00:00:00Z')
    expect(verifySignature(request, keys, then)).toEqual({ region: 'us-east-1' })
    const later = { ...request, headers: { ...request.headers, range: 'bytes=0-8' } }
    expect(verifySignature(later, keys, then).fault).toBe('SignatureDoesNotMatch')
    expect(verifySignature(request, keys, then + 16 * 60 * 1000).fault).toBe('RequestTimeTooSkewed')
  })

  it.each(['plain.txt', 'folder/with-%C3%A9'])("accepts curl's signature for %s", async (path) => {
    s3.put('bucket', decodeURIComponent(path), 'content')
    expect(await curl(path)).toBe('content\n200')
    expect(await curl(path, ['-H', 'Range: bytes=1-3'])).toBe('ont\n206')
  })

  it.each([
    ['another secret', `AKIATESTTESTTESTTEST:wrong`, 'SignatureDoesNotMatch'],
    ['another key id', 'AKIAOTHER:wrong', 'InvalidAccessKeyId'],
  ])("refuses curl's signature with %s", async (_, user, code) => {
    const answer = await curl('plain.txt', [], user)
    expect(answer).toContain(`<Code>${code}</Code>`)
    expect(answer).toMatch(/403$/)
  })

  it.each(KEYS)("accepts the AWS SDK's signature for the key %s, and gives back what was put", async (key) => {
    const { accessKeyId, secretAccessKey, endpoint } = s3
    const client = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    })
    await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: key, Body: Buffer.from(`of ${key}`) }))
    const { Body } = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key: key }))
    expect(await Body?.transformToString()).toBe(`of ${key}`)
    client.destroy()
  })

  it('refuses requests without a signature unless the bucket is public', async () => {
    s3.put('bucket', 'plain.txt', 'content')
    expect((await fetch(`${s3.endpoint}/bucket/plain.txt`)).status).toBe(403)
    s3.createBucket('open', { isPublic: true })
    s3.put('open', 'plain.txt', 'content')
    expect((await fetch(`${s3.endpoint}/open/plain.txt`)).status).toBe(200)
  })
})
