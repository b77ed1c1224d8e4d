import { describe, expect, it } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import { bytesContent, type Content, Slice, type SliceFile } from '../../src/oci/content.ts'
import { digestOf } from '../../src/oci/digest.ts'
import type { GzipSource } from '../../src/oci/gzip-source.ts'
import { layerMembers, layerParts } from '../../src/oci/layer-tar.ts'
import {
  type Attrs,
  type Directory,
  directory,
  EMPTY,
  FRESH_DIRECTORY,
  type Node,
  type Tree,
} from '../../src/oci/node.ts'
import type { Piece } from '../../src/oci/piece.ts'
import { cutPieces } from '../../src/oci/pieces.ts'
import { nodeAt, placeAt } from '../../src/oci/tree-paths.ts'
import { changeAttrs, without } from '../../src/provision/edit.ts'
import { wordy } from '../support/bytes.ts'
import { randomBlocks } from '../support/gzip-blocks.ts'
import { randomChanges } from '../support/random-changes.ts'
import { Random, randomLayer, randomTree } from '../support/random-tree.ts'
import { twice } from '../support/stored-layers.ts'

const SEED = Number(process.env.SEED ?? 20261121)
const SEEDS = Array.from({ length: 40 }, (_, i) => SEED + i)

const BYTES = wordy(new Random(SEED), 1 << 20)

const USUAL: Attrs = { ...FRESH_DIRECTORY, uid: 3, mtime: 1_700_000_000 }

/** The same as most layers are: few odd attributes and hard links, and files large enough for blocks to be copied. */
function grown(layer: Directory, random: Random): Directory {
  const linked = new Map<Node, Node>()
  const grow = (node: Node): Node => {
    const known = linked.get(node)
    if (known !== undefined && random.chance(8)) return known
    const made = grownAlone(node)
    if (made.kind !== 'directory') linked.set(node, made)
    return made
  }
  const grownAlone = (node: Node): Node => {
    const attrs = random.chance(40) && 'attrs' in node ? node.attrs : USUAL
    switch (node.kind) {
      case 'directory':
        return { ...node, attrs, children: new Map(Array.from(node.children, ([name, one]) => [name, grow(one)])) }
      case 'file':
        return {
          ...node,
          attrs: attrs ?? USUAL,
          content: node.content.size === 0 ? node.content : grownContent(random),
        }
      case 'symlink':
        return { ...node, attrs: { ...USUAL, mode: 0o777 } }
      default:
        return node
    }
  }
  return grow(layer) as Directory
}

function grownContent(random: Random): Content {
  const start = random.below(BYTES.length >> 1)
  return bytesContent(BYTES.subarray(start, start + 1 + random.below(random.chance(4) ? 200_000 : 20_000)))
}

const said = (pieces: Iterable<Piece>) =>
  Array.from(pieces, (piece) => {
    if (piece.kind === 'splice') return [piece.size, piece.from, piece.to]
    return [piece.isOpen, piece.size, ...piece.parts.map(partSaid)]
  })

function partSaid(part: Extract<Piece, { kind: 'own' }>['parts'][number]): unknown {
  if (part.kind === 'header') return [part.at, digestOf(part.bytes)]
  return [part.at, placeOf(part.content), part.start, part.size]
}

const placeOf = (content: Content) =>
  content instanceof Slice ? [content.file.digest, content.offset, content.size] : content.size

/** Of all raw tars but the last of several: what is compressed otherwise has no blocks. */
const sourcesOf = (tars: readonly SliceFile[], seed: number): GzipSource[] =>
  tars.slice(0, Math.max(1, tars.length - 1)).map((file) => {
    const { size } = file.guard!
    return { file, blob: file, blobSize: size, blocks: randomBlocks(new Random(seed), size) }
  })

describe('a squashed layer over a base whose folders nobody looked into', { timeout: 60_000 }, () => {
  it.each([1, 2])('is cut into the same pieces as one of which all was looked at (layers: %i)', async (count) => {
    const layers = SEEDS.map((seed) => {
      const random = new Random(seed)
      const upper = Array.from({ length: count - 1 }, () => grown(randomLayer(random, 3), random))
      return [grown(randomTree(random, 4), random), ...upper]
    })
    let [stretches, members] = [0, 0]
    await twice(layers.flat(), async (all, store) => {
      for (const [i, seed] of SEEDS.entries()) {
        const own = all.slice(i * count, (i + 1) * count)
        const tars = await Promise.all(own.map(({ diffId }) => store.layerTar(diffId)))
        const known = await Promise.all(own.map(async ({ diffId }) => (await store.findLayerTree(diffId))!))
        const sources = { gzips: sourcesOf(tars, seed), unpacked: [] }
        const wanted = treesOf(known, known, seed)
        for (const [j, tree] of treesOf(
          own.map(({ late }) => late),
          known,
          seed,
        ).entries()) {
          const parts = [...layerParts(tree, tars)]
          stretches += parts.filter((part) => 'raw' in part).length
          members += parts.length
          const got = said(cutPieces(parts, sources))
          expect(got, `seed ${seed}, tree ${j}`).toEqual(said(cutPieces(layerMembers(wanted[j]!, tars), sources)))
        }
      }
    })
    expect(stretches).toBeGreaterThan(members / 200)
  })

  /** Two folders with files of the same names, and one that hides what is below it. */
  const layer = folder({
    a: folder({ below: folder({ x: file(1), y: file(2) }) }),
    b: folder({ below: folder({ x: file(3), y: file(4) }) }),
    c: { ...folder({ x: file(5), y: file(6) }), opaque: true },
  })

  it.each<[string, number, (tree: Tree) => Tree]>([
    ['is all of it', 2, (tree) => tree],
    ['has another name for one of its files', 1, (tree) => placed(tree, 'z', nodeAt(tree, 'a/below/x')!)],
    [
      'has files in the place of others',
      0,
      (tree) => placed(without(without(tree, 'a/below'), 'b/below'), 'a/below', nodeAt(tree, 'b/below')!),
    ],
    ['has a folder that is described otherwise', 1, (tree) => changeAttrs(tree, ['b/below'], false, described)],
    ['has a folder with one file more', 0, (tree) => placed(tree, 'a/below/z', file(7))],
  ])('takes together no more than what is together, when the tree %s', async (_, count, change) => {
    await twice([layer], async (all, store) => {
      const { late, diffId } = all[0]!
      const tars = [await store.layerTar(diffId)]
      const known = (await store.findLayerTree(diffId))!
      const sources = { gzips: sourcesOf(tars, SEED), unpacked: [] }
      const parts = [...layerParts(change(laid([late])), tars)]
      expect(said(cutPieces(parts, sources))).toEqual(
        said(cutPieces(layerMembers(change(laid([known])), tars), sources)),
      )
      expect(parts.filter((part) => 'raw' in part)).toHaveLength(count)
    })
  })
})

const described = (attrs: Attrs): Attrs => ({ ...attrs, mode: 0o700 })

const placed = (tree: Tree, path: string, node: Node) => apply(tree, placeAt(path, node))

const folder = (children: Readonly<Record<string, Node>>) => directory(new Map(Object.entries(children)), USUAL)

function file(fill: number): Node {
  return { kind: 'file', attrs: USUAL, content: bytesContent(Buffer.alloc(100_000, fill)) }
}

/** What becomes of the layers, laid one over another, and of that; `paths` are the same layers, for paths of them. */
function treesOf(layers: readonly Directory[], paths: readonly Directory[], seed: number): Tree[] {
  const below = laid(layers)
  return [below, ...randomChanges(below, laid(paths), new Random(seed))]
}

const laid = (layers: readonly Directory[]) => layers.reduce<Tree>((tree, layer) => apply(tree, layer), EMPTY)
