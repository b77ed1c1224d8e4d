import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../support/cli.ts'

const WEB = `FROM scratch
ARG VERSION=1
COPY app.conf /etc/app/
LABEL version=$VERSION
CMD ["/app"]
`
const STAGES = `FROM scratch AS files
COPY app.conf /a/
FROM scratch AS unused
COPY app.conf /b/
FROM scratch
COPY --from=files /a/app.conf /etc/app.conf
`

describe('ocibake import Dockerfile', () => {
  let folder = ''
  const ocibake = (...args: string[]) => runCli(args, { cache: join(folder, 'cache'), cwd: join(folder, 'web') })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-import-'))
    await mkdir(join(folder, 'web'))
    await writeFile(join(folder, 'web/Dockerfile'), WEB)
    await writeFile(join(folder, 'web/stages.Dockerfile'), STAGES)
    await writeFile(join(folder, 'web/app.conf'), 'a = b\n')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('writes a spec that gives the digest of the Dockerfile itself', async () => {
    const imported = await ocibake('import', 'Dockerfile', '--report', 'import.md')
    expect(imported).toMatchObject({ code: 0, stdout: 'web.spec.ts\nimport.md' })
    expect(await readFile(join(folder, 'web/import.md'), 'utf8')).toContain('| Dockerfile:3 | OB203 |')
    const { code, stdout, stderr } = await ocibake('build', 'Dockerfile', '--var', 'VERSION=2')
    expect(code, stderr).toBe(0)
    expect(stderr).toMatch(/^warning: Dockerfile:1: OB230: /m)
    expect((await ocibake('build', 'web.spec.ts', '--var', 'VERSION=2')).stdout).toBe(stdout)
    expect((await ocibake('build', 'web.spec.ts')).stdout).not.toBe(stdout)
  })

  it('writes a spec for each stage, and says how to build them', async () => {
    const { code, stdout, stderr } = await ocibake('import', 'stages.Dockerfile')
    expect(code).toBe(0)
    expect(stdout).toBe('stages-files.spec.ts\nstages.spec.ts')
    const lines = [...stderr.matchAll(/^to build it: ocibake (.*)$/gm)].map(([, line]) => line!)
    expect(lines).toHaveLength(2)
    await rm(join(folder, 'web/out'), { recursive: true })
    for (const line of lines) expect(await ocibake(...line.split(' '))).toMatchObject({ code: 0 })
    expect(await readdir(join(folder, 'web/out'))).toContain('stages-files.tar')
    expect((await ocibake('import', 'stages.Dockerfile', '--only', 'unused', '--force')).stdout).toBe('stages.spec.ts')
  })

  it('refuses what it cannot do', async () => {
    expect((await ocibake('build', 'stages.Dockerfile')).stderr).toContain('ocibake import stages.Dockerfile')
    const refused = await ocibake('import', 'Dockerfile', '--map-base', 'scratch')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('--map-base is for Packer templates')
    expect(await ocibake('import', 'no.Dockerfile')).toMatchObject({ code: 2 })
  })
})
