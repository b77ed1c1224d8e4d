/** `not needed`: it is not there, and whoever can build here can do so without it. */
export type FindingState = 'ok' | 'missing' | 'not needed'

/** What one probe of `ocibake doctor` found. All texts are for people; none holds a credential. */
export interface Finding {
  readonly what: string
  readonly state: FindingState
  /** What is there, or why it is not. */
  readonly found: string
  readonly neededFor: string
  /** Empty when there is nothing to get. */
  readonly howToGet: string
}

/** What is looked at. */
export interface Examined {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The home directory. */
  readonly home: string
  /** Absolute; it need not exist. */
  readonly cacheFolder: string
  /** Where programs put temporary files. Absolute. */
  readonly temporary: string
}
