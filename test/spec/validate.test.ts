import { describe, expect, it } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { validate } from '../../src/spec/validate.ts'

/** The lines of the error, without the first, which counts them. */
function mistakes(value: unknown): string[] {
  try {
    validate(value, 'app.spec.ts')
  } catch (error) {
    if (error instanceof OcibakeError)
      return error.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim())
    throw error
  }
  return []
}

describe('validate', () => {
  it('takes the whole of what the format has', () => {
    const spec = {
      name: 'app',
      from: { debian: 'bookworm', variant: 'minbase', include: ['ca-certificates'] },
      platform: 'linux/arm64',
      layers: 'append',
      compression: 'gzip',
      mediaTypes: 'docker',
      created: '2026-01-01T00:00:00Z',
      annotations: { 'org.example.a': 'b' },
      tags: ['localhost:5000/app:1'],
      normalise: { 'python-bytecode': false },
      steps: [
        { copy: 'rootfs/', to: '/', exclude: ['*.md'], owner: 'core:core', mode: '0640' },
        {
          unpack: 's3://bucket/key',
          to: '/opt',
          stripComponents: 2,
          wildcards: ['*/files'],
          versionId: 'v',
          owner: 'archive',
        },
        { unpack: 'https://example.com/a.tar', to: '/', sha256: 'a'.repeat(64) },
        { unpack: 'https://example.com/a.tar', to: '/', unverified: true },
        { write: '/etc/issue', text: '', mode: '0644', owner: '0:0' },
        { remove: ['/a', '/b/*'] },
        { own: '/opt', by: ':core', recursive: false },
        { chmod: ['/opt'], mode: 'g+rwX', recursive: true },
        { link: '/a', target: '../b', hard: false },
        {
          run: ['a'],
          shell: ['/bin/bash', '-c'],
          env: { A: '' },
          user: 'core',
          workdir: '/opt',
          timeout: '10m',
          network: 'none',
        },
        { run: 'a', secrets: [{ id: 'token', source: 'env:TOKEN', env: 'TOKEN', file: '/run/t' }], timeout: 5 },
        {
          ansible: 'a.yml',
          extraVars: { a: [1, { b: null }] },
          groups: ['web'],
          hostAlias: 'web-1.example',
          cache: false,
        },
      ],
      config: {
        env: { PATH: '/opt/bin:$PATH' },
        expose: [11211, '53/udp', '8000-8002'],
        user: '65100',
        workdir: '/',
        entrypoint: ['/a'],
        cmd: 'b',
        keepCmd: false,
        labels: { a: 'b' },
        volumes: ['/data'],
        stopSignal: 'SIGTERM',
        healthcheck: { cmd: 'true', interval: '30s', timeout: 5, retries: 3 },
        author: 'me',
        shell: ['/bin/bash', '-c'],
        unset: { env: ['A'], cmd: true },
      },
    }
    expect(validate(spec, 'app.spec.ts')).toBe(spec)
  })

  it('names every mistake at once, each with its place', () => {
    expect(
      mistakes({
        from: 7,
        layers: 'two',
        steps: [{ unpack: 's3://b/k', to: '/x', stripComponents: 'two' }, { cpoy: 'a' }, {}, 'run'],
        config: { expose: [70000] },
      }),
    ).toEqual([
      'from: expected a reference or { debian: suite }',
      "config.expose[0]: The port is '70000'; wanted 1 to 65535, a range, or either with a protocol.",
      "layers: expected 'squash' or 'append'",
      'steps[0] (unpack): stripComponents: expected a number',
      "steps[1]: 'cpoy' is no step (did you mean 'copy'?); the first key of a step is one of copy, unpack, write, remove, own, chmod, link, run, ansible",
      'steps[2]: is empty; the first key of a step is one of copy, unpack, write, remove, own, chmod, link, run, ansible',
      'steps[3]: expected a step, got a string',
    ])
  })

  it.each([
    ['no base', {}, 'from: is missing; name a base image, or scratch'],
    ['a field nobody knows', { from: 'a', form: 'b' }, "'form' is not a field that ocibake knows here"],
    [
      'a relative place',
      { from: 'a', steps: [{ copy: 'a', to: 'opt' }] },
      /^steps\[0\] \(copy\): to: expected an absolute/,
    ],
    ["a place with '..'", { from: 'a', steps: [{ copy: 'a', to: '/../x' }] }, /to: expected an absolute path without/],
    ['a decimal mode', { from: 'a', steps: [{ write: '/a', text: '', mode: 644 }] }, /mode: expected text/],
    [
      'a symbolic mode for a file',
      { from: 'a', steps: [{ write: '/a', text: '', mode: 'u+x' }] },
      /mode: expected an octal/,
    ],
    ['the web without a checksum', { from: 'a', steps: [{ unpack: 'https://a/b', to: '/' }] }, /sha256: is required/],
    [
      'components to strip of what is taken',
      { from: 'a', steps: [{ unpack: 'b', take: '/c', to: '/', stripComponents: 1 }] },
      /stripComponents: is not for what `take` names/,
    ],
    [
      'a version of what is no S3 object',
      { from: 'a', steps: [{ unpack: 'b', to: '/', versionId: '1' }] },
      /versionId: is for s3/,
    ],
    [
      'a shell that is no path',
      { from: 'a', steps: [{ run: 'a', shell: ['bash'] }] },
      /shell: expected a list that starts/,
    ],
    ['a bad tag', { from: 'a', tags: ['Upper/case'] }, /^tags\[0\]:/],
    ['a bad platform', { from: 'a', platform: 'linux' }, /^platform: The platform is 'linux'/],
    [
      'a normaliser that is none',
      { from: 'a', normalise: { x: false } },
      "normalise: 'x' is not a field that ocibake knows here",
    ],
    ['an empty list of commands', { from: 'a', steps: [{ run: [] }] }, 'steps[0] (run): run: is an empty list'],
    ['a NUL', { from: 'a', steps: [{ run: 'a\0b' }] }, /run: /],
    ['a timeout that is none', { from: 'a', steps: [{ run: 'a', timeout: 'soon' }] }, /timeout: it is 'soon'/],
    ['the root as what to remove', { from: 'a', steps: [{ remove: '/' }] }, /remove: expected something in/],
    [
      'a file that ends with a slash',
      { from: 'a', steps: [{ write: '/x/', text: '' }] },
      /write: expected the path of a file/,
    ],
    ['an object without a key', { from: 'a', steps: [{ unpack: 's3://b', to: '/' }] }, /unpack: .*names no object/],
    [
      'plain http',
      { from: 'a', steps: [{ unpack: 'http://a.example/b', to: '/', unverified: true }] },
      /unpack: .*https/,
    ],
    [
      'one secret twice',
      {
        from: 'a',
        steps: [
          {
            run: 'a',
            secrets: [
              { id: 'x', source: 'env:A' },
              { id: 'x', source: 'env:B' },
            ],
          },
        ],
      },
      /secrets: has an id twice/,
    ],
    [
      'a variable that JSON has not',
      { from: 'a', steps: [{ ansible: 'a', extraVars: { a: () => 1 } }] },
      /extraVars.a: expected a value that JSON/,
    ],
    [
      'a group of two words',
      { from: 'a', steps: [{ ansible: 'a', groups: ['a b'] }] },
      /groups\[0\]: expected letters/,
    ],
    [
      'a host that is an option',
      { from: 'a', steps: [{ ansible: 'a', hostAlias: '-x' }] },
      /hostAlias: expected the name/,
    ],
    [
      'a secret that is a file where there are but variables',
      { from: 'a', steps: [{ ansible: 'a', secrets: [{ id: 'a', source: 'env:A', env: 'A', file: '/a' }] }] },
      /secrets\[0\]: 'file' is not a field/,
    ],
    [
      'what Docker never had',
      { from: 'a', mediaTypes: 'docker', compression: 'zstd' },
      /^compression: 'zstd' does not go with/,
    ],
    [
      'to compress anew what is not compressed',
      { from: 'a', recompress: true, compression: 'none' },
      /^recompress: is for compression 'gzip'/,
    ],
    ['mirror and snapshot', { from: { debian: 'sid', mirror: 'https://a', snapshot: '20260101T000000Z' } }, /^from: /],
  ])('refuses %s', (_, value, want) => {
    const found = mistakes(value)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(want)
  })

  it.each([
    [null, 'null'],
    [[], 'a list'],
    ['text', 'a string'],
    [undefined, 'an undefined'],
  ])('refuses a spec that is %j', (value, described) => {
    expect(() => validate(value, 'app.spec.ts')).toThrow(`app.spec.ts exports ${described}`)
  })
})

describe('what a mistake is told by', () => {
  const step = (fields: object) => ({ from: 'a', steps: [fields] })
  const config = (fields: object) => ({ from: 'a', config: fields })
  it.each([
    [
      'a field of one that may have other forms',
      config({ healthcheck: { cmd: 'x', interval: '5' } }),
      /^config\.healthcheck\.interval: it is '5'; wanted seconds/,
    ],
    ['an item of a list that may be text', step({ run: ['a', 2] }), /^steps\[0\] \(run\): run\[1\]: expected text$/],
    [
      'the forms, where it has none of them',
      config({ healthcheck: 'off' }),
      /^config\.healthcheck: expected 'none' or \{ cmd/,
    ],
    ['what a user is', config({ user: '' }), /^config\.user: expected 'user', 'user:group' or a number$/],
    ['what a user is, of a number', config({ user: -1 }), /^config\.user: expected 'user', 'user:group' or a number$/],
    ['the text of a mode that is a number', step({ chmod: '/a', mode: 644 }), /mode: expected text; write '0644'$/],
    ['the text of an octal number', step({ write: '/a', text: '', mode: 0o644 }), /mode: expected text; write '0644'$/],
    [
      'the text of a mode with more bits',
      step({ copy: 'a', to: '/', mode: 4755 }),
      /mode: expected text; write '4755'$/,
    ],
    [
      'what a mode is, where a number is none',
      step({ copy: 'a', to: '/', mode: 9 }),
      /mode: expected an octal mode as text, such as '0644', or 'keep'$/,
    ],
    ['steps', { from: 'a', stpes: [] }, /'stpes' .* \(did you mean 'steps'\?\)$/],
    ['a step', step({ copi: 'a', to: '/' }), /'copi' is no step \(did you mean 'copy'\?\)/],
    ['a field of a step', step({ run: 'a', tims: '5s' }), /\(did you mean 'timeout'\?\)$/],
    ['a shorter field', step({ run: 'a', enviroment: {} }), /\(did you mean 'env'\?\)$/],
    ['a field of the config', config({ lables: {} }), /^config: .* \(did you mean 'labels'\?\)$/],
    [
      'a field within a list',
      step({ run: 'a', secrets: [{ id: 'a', source: 'env:A', fiel: '/x' }] }),
      /secrets\[0\]: .* \(did you mean 'file'\?\)$/,
    ],
    [
      'a field of one of several forms',
      { from: { debian: 'bookworm', varient: 'x' } },
      /^from: .* \(did you mean 'variant'\?\)$/,
    ],
    ['nothing that is there already', { from: 'a', form: 'b' }, /^'form' is not a field that ocibake knows here$/],
    ['config, which has it', { from: 'a', labels: {} }, /^'labels' .* \(it belongs in `config`\)$/],
    ['nothing that is far from it', { from: 'a', xyzzy: 1 }, /^'xyzzy' is not a field that ocibake knows here$/],
  ])('names %s', (_, spec, wanted) => {
    const told = mistakes(spec)
    expect(told).toHaveLength(1)
    expect(told[0]).toMatch(wanted)
  })
})
