import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readTemplate } from '../../src/import/read-template.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures')
const inputs = { vars: {}, varFiles: [], env: {}, cwd: FIXTURES }

describe('readTemplate', () => {
  it('reads the memcached template in its order', async () => {
    const { builds, findings, files } = await readTemplate('memcached/memcached.pkr.hcl', inputs)
    expect(files).toEqual(['memcached/memcached.pkr.hcl'])
    expect(builds.map(({ name }) => name)).toEqual(['Coredge-image.docker.ubuntu'])
    const [build] = builds
    expect(build!.source.attributes.get('image')?.value).toBe('coredgeio/ubuntu-base-beta:v1')
    expect(build!.provisioners.map(({ type, place }) => [type, place.line])).toEqual([
      ['shell', 30],
      ['file', 36],
      ['file', 41],
      ['file', 46],
      ['file', 51],
      ['shell', 56],
    ])
    expect(build!.postProcessors.map((chain) => chain.map(({ type }) => type))).toEqual([['docker-tag']])
    const inline = build!.provisioners[5]!.attributes.get('inline')!
    expect(inline.elements).toHaveLength(25)
    expect(inline.elements![13]).toEqual({ file: 'memcached/memcached.pkr.hcl', line: 71, column: 7 })
    expect((inline.value as readonly string[])[13]).toBe('echo -e "\n" > /etc/issue')
    expect(findings.map(({ id }) => id)).toEqual(['OB143'])
  })
})
