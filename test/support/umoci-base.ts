import { chmodSync, copyFileSync, linkSync, lutimesSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tool } from './skopeo.ts'

const APPLETS = ['sh', 'cat', 'chmod', 'ln', 'mkdir', 'rm', 'touch']

/**
 * An OCI layout in `folder`, tag `base`, made by umoci, of three layers: busybox (Debian's busybox-static) and files that
 * are hard to keep (set-id bits, a capability, hard links, a device, a merged /usr); a whiteout; an opaque folder.
 */
export async function umociBase(folder: string): Promise<string> {
  const layout = join(folder, 'base')
  const image = `${layout}:base`
  const umoci = (...args: string[]) => tool('umoci', args)
  await umoci('init', '--layout', layout)
  await umoci('new', '--image', image)
  await umoci('insert', '--image', image, await firstLayer(join(folder, 'first')), '/')
  await umoci('insert', '--image', image, '--whiteout', '/srv/gone')
  const second = join(folder, 'second')
  mkdirSync(second)
  writeFileSync(join(second, 'new'), 'the only one\n')
  await umoci('insert', '--image', image, '--opaque', second, '/srv/replaced')
  const config = ['--config.env', 'PATH=/bin', '--config.workingdir', '/srv', '--created', '2024-05-06T07:08:09Z']
  await umoci('config', '--image', image, ...config)
  return layout
}

async function firstLayer(root: string): Promise<string> {
  const at = (path: string) => join(root, path)
  for (const path of ['bin', 'etc', 'usr/lib', 'srv/replaced', 'tmp', 'dev']) mkdirSync(at(path), { recursive: true })
  copyFileSync('/bin/busybox', at('bin/busybox'))
  for (const name of APPLETS) symlinkSync('busybox', at(`bin/${name}`))
  symlinkSync('usr/lib', at('lib'))
  writeFileSync(at('etc/passwd'), 'root:x:0:0:root:/:/bin/sh\ncore:x:65100:65100::/srv:/bin/sh\n')
  writeFileSync(at('etc/group'), 'root:x:0:\ncore:x:65100:\n')
  for (const path of ['srv/one', 'srv/gone', 'srv/replaced/old', 'srv/able']) writeFileSync(at(path), `${path}\n`)
  linkSync(at('srv/one'), at('srv/the-same'))
  chmodSync(at('bin/busybox'), 0o4755)
  chmodSync(at('tmp'), 0o1777)
  lutimesSync(at('srv/one'), 1_600_000_000, 1_600_000_000)
  await tool('chown', ['65100:1234567', at('srv/one')])
  await tool('setcap', ['cap_net_bind_service+ep', at('srv/able')])
  await tool('mknod', [at('dev/null'), 'c', '1', '3'])
  return root
}
