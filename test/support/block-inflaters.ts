import type { BlockInflater } from '../../src/oci/block-inflater.ts'
import { NativeBlockInflater } from '../../src/oci/native-block-inflater.ts'
import { nativeCode } from '../../src/oci/native-code.ts'
import { WasmBlockInflater } from '../../src/oci/wasm-block-inflater.ts'

/** What Node loads; without it, tests of it would test nothing. */
const native = nativeCode()!

/** Every kind of them. */
export const BLOCK_INFLATERS: readonly (readonly [name: string, make: () => BlockInflater])[] = [
  ['WebAssembly', () => new WasmBlockInflater()],
  ['native code', () => new NativeBlockInflater(native)],
  ['the native code of every processor', () => new NativeBlockInflater(native.plain)],
]
