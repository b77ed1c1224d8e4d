import { fileURLToPath } from 'node:url'
import { cacheFolder } from './cache-folder.ts'
import { codeFolder } from './compiled-code.ts'
import type { main as realMain } from './main.ts'
import { Parts } from './parts.ts'
import { shippedCode } from './shipped-code.ts'

type Main = typeof realMain

/** `main` in the package, where it is in a part of which compiled code is kept in the store. */
export const main: Main = (host, around) => {
  const [command = ''] = host.argv.slice(2)
  const root = cacheFolder(cacheOption(host.argv), around)
  const isOff = around.env.NODE_DISABLE_COMPILE_CACHE === '1'
  const parts = new Parts(fileURLToPath(new URL('../parts/', import.meta.url)), {
    // Whoever looks into a store that came from elsewhere should not execute what is in it.
    code: () => (isOff || command === 'cache' ? undefined : codeFolder(root)),
    shipped: isOff ? undefined : fileURLToPath(new URL(`../${shippedCode()}`, import.meta.url)),
    use: /^[a-z]{1,20}$/.test(command) ? command : 'any',
  })
  host.once('exit', (code) => {
    // Nothing is kept for commands that there are not.
    if (code === 0) parts.keep()
  })
  return (parts.load('main.cjs') as { main: Main }).main(host, around)
}

/** Before commander has read it. Whatever it says, a folder that others may write to is not used. */
function cacheOption(argv: readonly string[]): { cacheDir?: string } {
  const at = argv.findLastIndex((word) => word === '--cache-dir' || word.startsWith('--cache-dir='))
  const cacheDir = /=(.*)$/s.exec(argv[at] ?? '')?.[1] ?? argv[at + 1]
  return at === -1 || cacheDir === undefined ? {} : { cacheDir }
}
