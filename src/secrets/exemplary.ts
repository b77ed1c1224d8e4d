import type { ByteString } from '../oci/name.ts'

/** Folders whose files are read by people and by tests. */
const EXEMPLARY = /(?:^|\/)(?:tests?|testdata|testsuite|__tests__|fixtures|examples?|samples?|dummyserver|docs?|man)\//i

/** Whether a file of that path shows what keys look like, rather than being one: packages bring such. */
export function isExemplary(path: ByteString): boolean {
  return EXEMPLARY.test(path)
}
