import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { execa } from 'execa'
import { Deflater } from '../src/oci/deflater.ts'
import type { Limits } from './floor.ts'
import type { Scenario } from './scenario/scenario.ts'
import type { Services } from './services.ts'
import { median } from './statistics.ts'
import { table } from './table.ts'

/** As large as the pieces that ocibake compresses. */
const PIECE = 1 << 20

export interface MeasuredLimits extends Limits {
  readonly table: string
}

interface Rate {
  readonly what: string
  /** MB/s: of wall time, and of CPU time. What another program does has no CPU time here. */
  readonly wall: number
  readonly cpu?: number
}

/**
 * What nobody can do faster on this machine, on the Debian base's tar. Each on one core, but the registry's. By CPU
 * time where there is one, which neighbours disturb less.
 */
export async function measureLimits(
  scenario: Scenario,
  services: Services,
  work: string,
  runs: number,
): Promise<MeasuredLimits> {
  const tar = await readFile(scenario.baseTar)
  const packed = gzipSync(tar, { level: 6 })
  const mega = tar.length / 1e6
  const [sha256, inflate, deflate, ...others] = [
    inProcess('sha256 (Node)', mega, runs, () => createHash('sha256').update(tar).digest()),
    inProcess('inflate (Node)', mega, runs, () => gunzipSync(packed)),
    inProcess('deflate: libdeflate 6 in WebAssembly, by the MiB', mega, runs, () => inPieces(tar)),
    inProcess('deflate: zlib 6 (Node)', mega, runs, () => gzipSync(tar, { level: 6 })),
    inProcess('deflate: zlib 1 (Node)', mega, runs, () => gzipSync(tar, { level: 1 })),
  ] as const
  const unpack = await unpacking(scenario.baseTar, join(work, 'limits'), mega, runs)
  const [upload, download] = await registry(services, packed.length, runs)
  const nodeStart = await repeated(runs, async () => () => execa(process.execPath, ['--eval', '0']))
  const text = (rate: number | undefined) => (rate === undefined ? '' : rate.toFixed(0))
  const rows = [sha256, inflate, deflate, ...others, unpack, upload, download].map(({ what, wall, cpu }) => [
    what,
    text(wall),
    text(cpu),
  ])
  return {
    sha256: sha256.cpu!,
    inflate: inflate.cpu!,
    deflate: deflate.cpu!,
    unpack: unpack.wall,
    upload: upload.wall,
    download: download.wall,
    nodeStart,
    table: table(['limit', 'MB/s', 'MB/s of CPU'], rows),
  }
}

function inPieces(tar: Buffer): void {
  const deflater = new Deflater()
  for (let at = 0; at < tar.length; at += PIECE) deflater.gzip(tar.subarray(at, at + PIECE))
}

function inProcess(what: string, mega: number, runs: number, work: () => unknown): Rate {
  const taken = Array.from({ length: runs }, () => {
    const before = process.cpuUsage()
    const started = performance.now()
    work()
    const wall = (performance.now() - started) / 1000
    const { user, system } = process.cpuUsage(before)
    return { wall, cpu: (user + system) / 1e6 }
  })
  return { what, wall: mega / median(taken.map(({ wall }) => wall)), cpu: mega / median(taken.map(({ cpu }) => cpu)) }
}

/** Where scripts run, somebody has to put the files on a disk. */
async function unpacking(tar: string, folder: string, mega: number, runs: number): Promise<Rate> {
  const wall = await repeated(runs, async () => {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    return () => execa('tar', ['-C', folder, '-xf', tar])
  })
  await rm(folder, { recursive: true, force: true })
  return { what: 'tar -x into the state folder', wall: mega / wall }
}

async function registry(services: Services, size: number, runs: number): Promise<[Rate, Rate]> {
  const repository = `http://${services.registry}/v2/bench/limits`
  let url = ''
  const up = await repeated(runs, async () => {
    const blob = randomBytes(size)
    const digest = `sha256:${createHash('sha256').update(blob).digest('hex')}`
    url = `${repository}/blobs/${digest}`
    return async () => {
      const session = await fetch(`${repository}/blobs/uploads/`, { method: 'POST' })
      const place = new URL(session.headers.get('location')!)
      place.searchParams.set('digest', digest)
      const headers = { 'content-type': 'application/octet-stream' }
      const answer = await fetch(place, { method: 'PUT', body: blob, headers })
      if (answer.status !== 201) throw new Error(`The registry answers ${answer.status} to an upload.`)
    }
  })
  const down = await repeated(runs, async () => async () => void (await (await fetch(url)).arrayBuffer()))
  await services.reset()
  const mega = size / 1e6
  return [
    { what: 'registry: upload of one blob', wall: mega / up },
    { what: 'registry: download of one blob', wall: mega / down },
  ]
}

/** The median of the seconds that what `prepare` returns takes. */
async function repeated(runs: number, prepare: () => Promise<() => Promise<unknown>>): Promise<number> {
  const taken: number[] = []
  for (let run = 0; run < runs; run++) {
    const work = await prepare()
    const started = performance.now()
    await work()
    taken.push((performance.now() - started) / 1000)
  }
  return median(taken)
}
