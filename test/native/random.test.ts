/** Needs root and busybox-static. Random scripts leave in every sandbox what they leave in that of root. */
import { describe } from 'vitest'
import type { Tree } from '../../src/oci/node.ts'
import { withPrograms } from '../support/host-programs.ts'
import { randomScripts } from '../support/random-script.ts'
import { sameOutcomes } from '../support/same-outcomes.ts'

const seed = Number(process.env.OCIBAKE_TEST_SEED ?? 1)
const count = Number(process.env.OCIBAKE_TEST_SCRIPTS ?? 4)
const cases = Object.fromEntries(randomScripts(seed, count).map((script, i) => [`script ${i} of seed ${seed}`, script]))
const withMore = (tree: Tree) => withPrograms(tree, '/usr/bin/install', '/usr/bin/stat')

describe.each(['root', 'core'])('as %s', (user) => sameOutcomes(cases, () => ({ withMore, user, mode: 0o777 })))
