import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { GzipScans } from '../../src/oci/gzip-scans.ts'
import { testFolder } from '../support/folder.ts'

const run = promisify(execFile)

describe('a scanning thread that was made ready', () => {
  it('takes the first file that comes', async () => {
    const scans = new GzipScans()
    onTestFinished(() => scans.close())
    scans.prepare()
    scans.prepare()
    const path = join(await testFolder(), 'file')
    const bytes = gzipSync('words')
    await writeFile(path, bytes)
    const scan = scans.start(path)
    scan.grew(bytes.length)
    scan.ended('whole')
    expect((await scans.waitFor(scan.answer)).blocks?.count).toBe(1)
  })

  it('does not keep the process alive when no file comes', async () => {
    const module = new URL('../../src/oci/gzip-scans.ts', import.meta.url).href
    const program = `import { GzipScans } from '${module}'; new GzipScans().prepare(); console.log('done')`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { timeout: 60_000 })
    expect(stdout).toBe('done\n')
  })

  it('ends with the others', async () => {
    const scans = new GzipScans()
    scans.prepare()
    await scans.close()
    scans.prepare()
    expect(() => scans.start('/dev/null')).toThrow('have ended')
  })
})
