/**
 * Keeps Node from warning, in four lines, of each spec beside a package.json without "type": Node finds out by itself what
 * the spec is, and nothing else of the command depends on that file. All other warnings are said.
 */
export function ignoreTypeless(host: Pick<NodeJS.Process, 'emitWarning'>): void {
  host.emitWarning = new Proxy(host.emitWarning, {
    apply(emit, self, args: unknown[]) {
      const [, options] = args
      const code = typeof options === 'object' && options !== null && 'code' in options ? options.code : undefined
      return code === 'MODULE_TYPELESS_PACKAGE_JSON' ? undefined : Reflect.apply(emit, self, args)
    },
  })
}
