import { readFile } from 'node:fs/promises'
import { isJsonObject, type JsonObject } from '../oci/json.ts'

/** What a callback of ours wrote (ansible/callback/ocibake.py), in its order. */
export async function readAnsibleEvents(file: string): Promise<JsonObject[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
  return lines.flatMap((line) => {
    try {
      const event: unknown = JSON.parse(line)
      return isJsonObject(event) ? [event] : []
    } catch {
      // The last one, of a program that was killed.
      return []
    }
  })
}

/**
 * What playbooks did that is no failure to Ansible and surely not meant: nothing, or something to another machine than
 * the image. @param host what the image is called
 */
export function ansibleWarnings(
  events: readonly JsonObject[],
  host: string,
): { readonly message: string; readonly hint: string }[] {
  const elsewhere = new Set(events.filter(({ kind }) => kind === 'started').map((event) => String(event.host)))
  const wasThere = elsewhere.delete(host)
  const hint = `In the inventory the image is '${host}': let \`hosts:\` name that, 'all', or one of the step's groups; or give the step a \`hostAlias\`.`
  const others = [...elsewhere].map(
    (name) => `Tasks for the host '${name}' did not run in the image, but from this machine.`,
  )
  const none = wasThere ? [] : ['No task ran in the image.']
  return [...others, ...none].map((message) => ({ message, hint }))
}
