const memories = new WeakSet<ArrayBufferLike>()

/**
 * The same chunk, marked as one whose memory nobody has but whoever gets it: not a pool, no cache, no caller's buffer.
 * One that does not fill its memory may share it and stays as it was. Whoever hands such a chunk on keeps nothing of it.
 */
export function singleUse<Chunk extends Uint8Array>(chunk: Chunk): Chunk {
  const { buffer, byteLength } = chunk
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) memories.add(buffer)
  return chunk
}

/**
 * Frees the memory of a chunk, or of a part of one, that `singleUse` marked; any other stays as it was. For its last
 * reader: what is still to be written or sent by the system would be read from memory that is somebody else's by then.
 * Left to be collected, what came of a download piles up to 50 MB, which the process keeps.
 */
export function giveBack({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && memories.delete(buffer)) buffer.transfer(0)
}
