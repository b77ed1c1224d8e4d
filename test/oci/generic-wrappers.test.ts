import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import wabt from 'wabt'
import { testFolder } from '../support/folder.ts'

const SOURCE = join(import.meta.dirname, '../../src/oci/generic-wrappers.ts')
const WAT = `(module
  (import "a" "b" (func $b (param i32 i32 i32)))
  (func (export "call") (param $times i32)
    (loop $again
      (call $b (i32.const 1) (i32.const 2) (i32.const 3))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))
  (export "b" (func $b)))`

/** Whether calls to JavaScript still go through the code that all share, before and behind 5000 of them. */
async function generic(before: string): Promise<unknown> {
  const folder = await testFolder()
  const program = (await wabt()).parseWat('calls.wat', WAT)
  await writeFile(join(folder, 'calls.wasm'), program.toBinary({}).buffer)
  await writeFile(
    join(folder, 'program.mjs'),
    `import { readFileSync } from 'node:fs'
import { keepGenericWrappers } from ${JSON.stringify(SOURCE)}
${before}
const code = new WebAssembly.Module(readFileSync(new URL('calls.wasm', import.meta.url)))
const { call, b } = new WebAssembly.Instance(code, { a: { b() {} } }).exports
const found = [%HasUnoptimizedWasmToJSWrapper(b)]
call(5000)
console.log(JSON.stringify([...found, %HasUnoptimizedWasmToJSWrapper(b)]))`,
  )
  const args = ['--allow-natives-syntax', join(folder, 'program.mjs')]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout)
}

describe('calls from WebAssembly to JavaScript', () => {
  it('are compiled for a function that is called often, if nobody says otherwise', async () => {
    expect(await generic('')).toEqual([true, false])
  })

  it('are not, once generic wrappers are kept', async () => {
    expect(await generic('keepGenericWrappers()')).toEqual([true, true])
  })
})
