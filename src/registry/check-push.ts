import { bytesContent } from '../oci/content.ts'
import type { Reference } from '../oci/reference.ts'
import { RegistryClient } from './client.ts'
import type { RegistryConnection } from './connection.ts'
import { each } from './each.ts'

const AT_ONCE = 4
const ABOUT = 'upload of an image'

/**
 * Finds what a push would fail over before there is something to push: registries that are not there, missing or wrong
 * credentials, repositories that are not there or not for this user. Each repository has an upload opened, as the push is
 * going to, and taken back.
 * @throws REGISTRY_* as the push would; INTERRUPTED
 */
export async function checkPush(
  references: readonly Reference[],
  connection: RegistryConnection,
  signal: AbortSignal,
): Promise<void> {
  const repositories = new Map(references.map((one) => [`${one.registry}/${one.repository}`, one]))
  await each(repositories.values(), AT_ONCE, signal, async (reference, either) => {
    const client = new RegistryClient(await connection.toOwn(reference), reference, 'push')
    const post = { method: 'POST', path: 'blobs/uploads/', about: ABOUT, body: bytesContent('') } as const
    const answer = await client.request({ ...post, signal: either })
    // Some can only be read, and may have the image already: the push will see.
    if (answer.status === 405) return
    if (answer.status !== 202) throw await client.failure(answer, ABOUT)
    // Nobody has to wait for that, nor hear of it.
    void client.abandonUpload(client.location(answer, ABOUT))
  })
}
