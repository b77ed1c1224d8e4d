import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Spec, SpecContext, Step } from 'ocibake'

/**
 * The image that every builder makes here. Variables: `scenario` (the folder with rootfs/, prebuildfs/, debs/ and
 * scripts/), `base`, `object` (an s3:// address), `script` (a file of scripts/, or nothing), `layers`, `readBase`, `out`.
 */
export default ({ vars }: SpecContext): Spec => {
  const { scenario = '', base = '', object = '', script = '', layers = 'squash', readBase = 'true', out = '' } = vars
  const installing = (): Step[] => [
    { copy: join(scenario, 'debs/'), to: '/tmp/debs' },
    { run: readFileSync(join(scenario, 'scripts', script), 'utf8') },
  ]
  return {
    from: base,
    layers: layers === 'append' ? 'append' : 'squash',
    readBase: readBase === 'true',
    steps: [
      { copy: join(scenario, 'rootfs/'), to: '/' },
      { copy: join(scenario, 'prebuildfs/opt/'), to: '/opt/' },
      { unpack: object, to: '/opt/coredge', stripComponents: 2, wildcards: ['*/files'] },
      ...(script === '' ? [{ own: '/opt/coredge', by: '65100:65100' }] : installing()),
    ],
    config: {
      env: { APP_VERSION: '1.6.21', COREDGE_APP_NAME: 'memcached', PATH: '/opt/coredge/memcached/bin:$PATH' },
      expose: [11211],
      user: '65100',
      entrypoint: ['/opt/coredge/scripts/memcached/entrypoint.sh'],
      cmd: ['/opt/coredge/scripts/memcached/run.sh'],
    },
    tags: [out],
  }
}
