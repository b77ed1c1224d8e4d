import { Unreadable } from '../dockerfile/expression.ts'

/** Something that Packer refuses too; its message says why. */
export class Invalid extends Unreadable {}
