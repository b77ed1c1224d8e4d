/** Neither the types of Node nor those of the language have it, but only those of browsers. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    readonly exports: unknown
    constructor(module: Module)
  }
}

/** A program in WebAssembly that imports nothing: it is compiled when it is needed for the first time. */
export class WasmProgram<Exports> {
  readonly #code: string
  #module: WebAssembly.Module | undefined

  /** @param code in base64 */
  constructor(code: string) {
    this.#code = code
  }

  /** What it exports, with memory of its own. @throws RangeError where there is no memory for it */
  start(): Exports {
    this.#module ??= new WebAssembly.Module(Buffer.from(this.#code, 'base64'))
    return new WebAssembly.Instance(this.#module).exports as Exports
  }
}
