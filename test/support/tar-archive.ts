export interface Member {
  /** Bytes as a text in UTF-8, or as they are. */
  readonly name: string | Buffer
  readonly type?: 'file' | 'link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo'
  readonly target?: string | Buffer
  readonly content?: string | Buffer
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly mtime?: number
}

const FLAGS = { file: '0', link: '1', symlink: '2', character: '3', block: '4', directory: '5', fifo: '6' }

/**
 * A GNU tar archive with exactly these members, names as given: for what no tar program would write. Written from the
 * format's description (GNU tar manual, "Basic Tar Format"), apart from the reader that it is used to test.
 */
export function tarArchive(members: readonly Member[]): Buffer {
  return Buffer.concat([...members.flatMap(blocksOf), Buffer.alloc(1024)])
}

function blocksOf(member: Member): Buffer[] {
  const name = Buffer.from(member.name)
  const target = Buffer.from(member.target ?? '')
  const content = Buffer.from(member.content ?? '')
  const blocks: Buffer[] = []
  if (name.length > 100) blocks.push(...longName('L', name))
  if (target.length > 100) blocks.push(...longName('K', target))
  const header = headerOf(FLAGS[member.type ?? 'file'], name, target, content.length, member)
  return [...blocks, header, padded(content)]
}

function longName(flag: string, name: Buffer): Buffer[] {
  const data = Buffer.concat([name, Buffer.alloc(1)])
  return [headerOf(flag, Buffer.from('././@LongLink'), Buffer.alloc(0), data.length, {}), padded(data)]
}

function headerOf(flag: string, name: Buffer, target: Buffer, size: number, member: Partial<Member>): Buffer {
  const block = Buffer.alloc(512)
  name.copy(block, 0, 0, 100)
  octal(block, 100, 8, member.mode ?? (flag === '5' ? 0o755 : 0o644))
  octal(block, 108, 8, member.uid ?? 0)
  octal(block, 116, 8, member.gid ?? 0)
  octal(block, 124, 12, size)
  octal(block, 136, 12, member.mtime ?? 1_700_000_000)
  block.write(flag, 156, 'latin1')
  target.copy(block, 157, 0, 100)
  block.write('ustar  \0', 257, 'latin1')
  block.fill(0x20, 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

function octal(block: Buffer, at: number, width: number, value: number): void {
  block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1')
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((512 - (data.length % 512)) % 512)])
}
