/** What a command may use of the process it runs in; only cli.ts makes one. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  /** `VERSION` of package.json. */
  readonly version: string
  /** Opened when it is asked for. */
  stdin(): NodeJS.ReadStream
  /** Results. */
  stdout(text: string): void
  /** The stream that they go to, for an output that is one. */
  readonly results: NodeJS.WriteStream & { readonly fd: number }
  /** Everything else. */
  readonly stderr: NodeJS.WriteStream
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal
  /** Does what these may end in the middle: it may keep the thread for ever, and has nothing to tidy up. */
  endable<T>(work: () => Promise<T>): Promise<T>
}
