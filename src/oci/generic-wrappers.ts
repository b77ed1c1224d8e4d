import { setFlagsFromString } from 'node:v8'

/**
 * Has V8 go on with the code that all calls from WebAssembly to JavaScript share, where it compiles some of its own for a
 * function that was called 1000 times. What threads compile so is shared, too, and one that takes it up just when the last
 * other user's thread ends can get memory that was freed: the process ends with SIGSEGV or SIGTRAP (V8 13.6).
 *
 * Our own WebAssembly imports nothing, so that it calls no JavaScript. That by which Node strips types, in each thread that
 * runs a .ts file, calls back thousands of times. To be called before the WebAssembly is instantiated; it holds for all
 * threads of the process.
 */
export function keepGenericWrappers(): void {
  setFlagsFromString('--wasm-wrapper-tiering-budget=2147483647')
}
