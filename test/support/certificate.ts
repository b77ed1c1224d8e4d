import { execFile } from 'node:child_process'
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A self-signed certificate for 127.0.0.1, localhost and other names, good for two days, and its key. */
export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
  readonly certificate: X509Certificate
  readonly key: KeyObject
}

/** Makes one with openssl and leaves both in `folder`. */
export async function makeCertificate(folder: string, names: readonly string[] = []): Promise<Certificate> {
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const others = names.map((name) => `,DNS:${name}`).join('')
  const subject = ['-subj', '/CN=ocibake-test', '-addext', `subjectAltName=IP:127.0.0.1,DNS:localhost${others}`]
  // An RSA key takes half a second of a processor.
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile]
  await promisify(execFile)('openssl', ['req', '-x509', '-days', '2', ...key, '-out', certFile, ...subject])
  return {
    certFile,
    keyFile,
    certificate: new X509Certificate(await readFile(certFile)),
    key: createPrivateKey(await readFile(keyFile)),
  }
}
