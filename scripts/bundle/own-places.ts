import { join, relative } from 'node:path'
import type { Plugin } from 'rolldown'

/**
 * Lets our modules find what they name by where they are (workers, programs) from the files in dist/parts/ that they end
 * up in: each keeps the address that it would have in dist/ as a file of its own.
 * @param source the folder of our modules
 * @param entry the module that does end up there
 */
export function ownPlaces(source: string, entry: string): Plugin {
  return {
    name: 'own-places',
    transform(code, id) {
      if (!id.startsWith(join(source, '/')) || id === entry || !code.includes('import.meta.url')) return null
      const place = `../${relative(source, id).replace(/\.ts$/, '.js')}`
      return code.replaceAll('import.meta.url', `new URL('${place}', import.meta.url).href`)
    },
  }
}
