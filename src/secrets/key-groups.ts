/** What the bytes at each place of a group's keys have: of each place a set of lower, then one of upper halves. */
export type KeyGroup = Uint16Array

/** Groups that one bit each of a byte stands for. */
const GROUPS = 8
/** More keys than these are put together without looking: so many let nearly every byte pass. */
const MOST_APART = 256

/**
 * Keys of one length in up to eight groups, such that as few bytes as possible could be a key of any.
 * Keys that begin alike are in one group.
 */
export function groupKeys(keys: readonly Uint8Array[]): KeyGroup[] {
  const sorted = keys.toSorted(Buffer.compare)
  const size = Math.ceil(sorted.length / MOST_APART)
  const groups = Array.from({ length: Math.ceil(sorted.length / Math.max(1, size)) }, (_, i) =>
    sorted
      .slice(i * size, (i + 1) * size)
      .map(groupOf)
      .reduce(joined),
  )
  // What it costs to join a group and the one behind it.
  const costs = groups.slice(1).map((group, i) => costOf(groups[i]!, group))
  while (groups.length > GROUPS) {
    const at = costs.indexOf(Math.min(...costs))
    groups.splice(at, 2, joined(groups[at]!, groups[at + 1]!))
    costs.splice(at, 1)
    if (at > 0) costs[at - 1] = costOf(groups[at - 1]!, groups[at]!)
    if (at < costs.length) costs[at] = costOf(groups[at]!, groups[at + 1]!)
  }
  return groups
}

function groupOf(key: Uint8Array): KeyGroup {
  return Uint16Array.from({ length: 2 * key.byteLength }, (_, i) => {
    const byte = key[i >> 1]!
    return 1 << (i % 2 === 0 ? byte & 15 : byte >> 4)
  })
}

function joined(a: KeyGroup, b: KeyGroup): KeyGroup {
  return a.map((set, i) => set | b[i]!)
}

function costOf(a: KeyGroup, b: KeyGroup): number {
  return keysOf(a, b) - keysOf(a) - keysOf(b)
}

/** How many keys would be taken for one of these: loops, since this is done a few hundred times in a program's life. */
function keysOf(a: KeyGroup, b: KeyGroup = a): number {
  let product = 1
  for (let i = 0; i < a.length; i++) {
    let size = 0
    for (let set = a[i]! | b[i]!; set !== 0; set &= set - 1) size++
    product *= size
  }
  return product
}
