/** An expression that Packer would refuse: a wrong type, an index that is not there. */
export class Fault extends Error {}

/** An expression whose value nobody knows before a build. */
export class Unknowable extends Error {
  /** A finding says so already. */
  readonly reported: boolean

  constructor(why: string, reported = false) {
    super(why)
    this.reported = reported
  }
}
