import { OcibakeError } from '../errors.ts'
import { entryContent, LayerBuilder } from '../oci/layer-read.ts'
import { type ByteString, display, fromText } from '../oci/name.ts'
import type { Directory } from '../oci/node.ts'
import type { TarEntry } from '../oci/tar-entry.ts'
import type { Archive } from './archive.ts'
import { unsafe } from './member-name.ts'
import { type Selection, type SelectOptions, selectMembers } from './select.ts'
import { SymlinkGuard } from './symlink-guard.ts'

export interface LayerOptions extends SelectOptions {
  /** Folder in the image, a path from its root; '' is the root. */
  readonly to: ByteString
  /** Of every member; 'archive' keeps the ids that the archive has. Default: 0:0. */
  readonly owner?: { readonly uid: number; readonly gid: number } | 'archive'
}

/**
 * What unpacking an archive changes in an image: a layer from the image's root. Modes (set-id bits too), times, xattrs
 * and device nodes are the archive's. The destination itself and folders that the archive does not list keep what the
 * image has there. No file is read.
 * @throws UNPACK_NOTHING_MATCHED when nothing is left to unpack or a wildcard is in vain; ARCHIVE_UNSAFE for members
 * that would land outside of the destination or mean a deletion in a layer; ARCHIVE_INVALID
 */
export function archiveLayer(archive: Archive, options: LayerOptions): Directory {
  const { to, owner = { uid: 0, gid: 0 } } = options
  const ids = owner === 'archive' ? {} : owner
  const guard = new SymlinkGuard(to)
  const builder = new LayerBuilder()
  const selection = selectMembers(archive.entries(), archive.name, options)
  let next = selection.next()
  for (; next.done !== true; next = selection.next()) {
    const selected = next.value
    const entry = { ...selected, ...ids, path: below(to, selected.path), target: targetOf(selected, to) }
    checkMember(entry, selected, guard, archive)
    guard.note(entry)
    try {
      builder.add(entry, (file) => entryContent(archive.file, file))
    } catch (error) {
      throw asArchiveFault(error, archive)
    }
  }
  checkSomething(next.value, archive, options)
  return builder.finish()
}

function targetOf({ type, target }: TarEntry, to: ByteString): ByteString {
  return type === 'link' ? below(to, target) : target
}

function below(to: ByteString, path: ByteString): ByteString {
  return to === '' ? path : `${to}/${path}`
}

function checkMember(entry: TarEntry, selected: TarEntry, guard: SymlinkGuard, archive: Archive): void {
  if (selected.path.startsWith('.wh.') || selected.path.includes('/.wh.')) {
    throw unsafe(archive.name, selected.path, `a name with '.wh.' means a deletion in a layer`)
  }
  if (guard.leadsOut(entry.path)) {
    throw unsafe(archive.name, selected.path, 'a symlink of the archive leads it out of the folder it is unpacked to')
  }
  if (entry.type === 'link' && guard.leadsOut(entry.target)) {
    throw unsafe(archive.name, selected.path, 'it is a hard link to something behind a symlink that leads out')
  }
}

function checkSomething(selection: Selection, archive: Archive, options: LayerOptions): void {
  const { unmatched, matched, selected, members } = selection
  if (unmatched.length === 0 && selected > 0) return
  const { name } = archive
  if (members === 0) {
    throw new OcibakeError('UNPACK_NOTHING_MATCHED', `${name} has no members.`, {
      hint: 'See that it is the archive that is meant, and that it was made and fetched to its end.',
    })
  }
  if (unmatched.length > 0) {
    const patterns = unmatched.map((pattern) => `'${display(fromText(pattern))}'`).join(' or ')
    throw nothing(archive, `No member of ${name} matches ${patterns}.`, 'wildcards')
  }
  if (matched === 0) throw nothing(archive, `\`exclude\` leaves no member of ${name}.`, 'exclude')
  const count = options.stripComponents ?? 0
  throw nothing(
    archive,
    `No chosen member of ${name} has more than ${count} components in its name.`,
    'stripComponents',
  )
}

function nothing(archive: Archive, fault: string, option: string): OcibakeError {
  return new OcibakeError('UNPACK_NOTHING_MATCHED', `${fault}\n${census(archive)}`, {
    hint: `Change \`${option}\`, or list the archive's members with: ocibake inspect ${archive.source}`,
  })
}

function census(archive: Archive): string {
  let count = 0
  let first = ''
  for (const { path } of archive.entries()) if (count++ === 0) first = display(path)
  if (count === 1) return `Its one member is '${first}'.`
  return `It has ${count.toLocaleString('en-US')} members; the first is '${first}'.`
}

/** What is wrong with the layer that a tarball amounts to, as a fault of the tarball; anything else as it was. */
export function asArchiveFault(error: unknown, archive: Archive): unknown {
  if (!(error instanceof OcibakeError) || error.code !== 'LAYER_INVALID') return error
  const message = `${archive.name}: ${error.message.replace(/^The layer's member/, 'the member').replace(/^The layer/, 'the archive')}`
  return new OcibakeError('ARCHIVE_INVALID', message, { hint: 'Leave the member out with `exclude`.', cause: error })
}
