import { setImmediate } from 'node:timers/promises'
import type { SliceFile } from './content.ts'
import type { TarRange } from './late-children.ts'
import { layerMembers } from './layer-tar.ts'
import type { ByteString } from './name.ts'
import type { Directory, Node } from './node.ts'

/** Members that are gone through at once: a millisecond's work. */
const STEP = 100

/** A folder of which the members below are being gone through. */
interface Open {
  readonly prefix: ByteString
  readonly folder: Directory
  /** The number of its member. */
  readonly number: number
  /** Where its header ends in the tar. */
  readonly start: number
}

/**
 * Of which folders of a layer the raw tar has the header and, right behind it, all below just as `layerMembers` has it:
 * where that is. The root, and what is empty or opaque, is left out. Of the tar headers are read.
 * @param file the tar of which `layer` was made
 * @throws as `layerMembers`
 */
export function stretchesOf(layer: Directory, file: SliceFile): Map<Directory, TarRange> {
  const steps = stepsOf(layer, file)
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return step.value
}

/** As `stretchesOf`, while others have their turn: for whoever does not wait for it. @throws as `stretchesOf` */
export async function stretchesBeside(layer: Directory, file: SliceFile): Promise<Map<Directory, TarRange>> {
  const steps = stepsOf(layer, file)
  let step = steps.next()
  while (step.done !== true) {
    await setImmediate()
    step = steps.next()
  }
  return step.value
}

function* stepsOf(layer: Directory, file: SliceFile): Generator<void, Map<Directory, TarRange>> {
  const found = new Map<Directory, TarRange>()
  const open: Open[] = []
  /** Of the members so far; of the last that the tar has not; where the tar's last one ended. */
  let [number, strange, end] = [0, 0, 0]
  const close = ({ folder, number, start }: Open) => {
    if (number > strange && start < end && !folder.opaque) found.set(folder, { offset: start, size: end - start })
  }
  for (const { path, header, headerFrom, content } of layerMembers(layer, [file])) {
    for (let top = open.at(-1); top !== undefined && !path.startsWith(top.prefix); top = open.at(-1)) {
      close(top)
      open.pop()
    }
    number++
    if (headerFrom === undefined) strange = number
    else {
      const start = headerFrom.offset + header.length
      end = start + (content?.size ?? 0)
      const node = content === undefined ? nodeBelow(open.at(-1), layer, path) : undefined
      if (node?.kind === 'directory') open.push({ prefix: `${path}/`, folder: node, number, start })
    }
    if (number % STEP === 0) yield
  }
  for (const one of open) close(one)
  return found
}

/** The node of a member; undefined for what only an archive has, and in folders that are not open. */
function nodeBelow(parent: Open | undefined, layer: Directory, path: ByteString): Node | undefined {
  return parent === undefined ? layer.children.get(path) : parent.folder.children.get(path.slice(parent.prefix.length))
}
