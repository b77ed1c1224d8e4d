import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import wabt from 'wabt'

/** What a file in the text format of WebAssembly is compiled to. */
export async function compileText(file: URL): Promise<Uint8Array> {
  const module = (await wabt()).parseWat(fileURLToPath(file), readFileSync(file, 'utf8'), { simd: true })
  module.validate()
  const { buffer } = module.toBinary({})
  module.destroy()
  return buffer
}
