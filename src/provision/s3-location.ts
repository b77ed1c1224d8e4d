import { OcibakeError } from '../errors.ts'
import { display, fromText } from '../oci/name.ts'

export interface S3Location {
  readonly bucket: string
  /** As it is: nothing in it is percent-encoded. */
  readonly key: string
}

/** The bucket and key of `s3://bucket/key`, as the AWS command line reads it. @throws SPEC_INVALID */
export function parseS3Uri(uri: string): S3Location {
  const match = /^s3:\/\/([^/]+)\/(.+)$/s.exec(uri)
  if (match === null) {
    throw new OcibakeError('SPEC_INVALID', `'${display(fromText(uri))}' names no object; wanted s3://bucket/key.`)
  }
  return { bucket: match[1]!, key: match[2]! }
}
