import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { silent } from '../../src/events.ts'
import { hostPlatform } from '../../src/oci/platform.ts'
import { debianTar } from '../../src/provision/debian.ts'
import { proxyVariables } from '../../src/provision/proxy-variables.ts'
import { made } from './made.ts'

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * The tar of a Debian with a user `core` (65100), made by mmdebstrap, useradd and GNU tar, as `base.tar` in `folder`.
 */
export async function baseTar(folder: string): Promise<string> {
  return await made(join(folder, 'base.tar'), 'a Debian base by mmdebstrap', async (part) => {
    const work = join(folder, 'base-work')
    const root = join(work, 'root')
    await rm(work, { recursive: true, force: true })
    await mkdir(root, { recursive: true, mode: 0o700 })
    const { architecture } = hostPlatform()
    const order = { suite: 'bookworm', variant: 'minbase', include: ['adduser', 'passwd', 'tzdata'], architecture }
    const signal = new AbortController().signal
    const proxyEnv = proxyVariables(process.env)
    const { path } = await debianTar(order, { folder: join(work), proxyEnv, report: silent, signal })
    await execa('tar', ['-C', root, '--numeric-owner', '-xpf', path])
    await execa('chroot', [root, 'groupadd', '-g', '65100', 'core'])
    const account = ['-u', '65100', '-g', '65100', '-K', 'UID_MAX=65100', '-m', '-d', '/opt/coredge', '-s', '/bin/bash']
    await execa('chroot', [root, 'useradd', ...account, 'core'])
    await execa('tar', ['-C', root, '--sort=name', '--numeric-owner', '-cf', part, '.'])
    await rm(work, { recursive: true })
  })
}

/** An OCI layout of one gzip layer, compressed by umoci: no byte of it is ours. */
export async function baseImage(folder: string): Promise<string> {
  const tar = await baseTar(folder)
  return await made(join(folder, 'images/debian'), 'an image of it by umoci', async (layout) => {
    const image = `${layout}:v1`
    await execa('umoci', ['init', '--layout', layout])
    await execa('umoci', ['new', '--image', image])
    await execa('umoci', ['raw', 'add-layer', '--image', image, tar])
    const config = ['--config.cmd', '/bin/bash', '--config.env', `PATH=${PATH}`]
    await execa('umoci', ['config', '--image', image, '--architecture', hostPlatform().architecture, ...config])
    // For the sandboxes of ordinary users.
    await execa('chmod', ['-R', 'a+rX', layout])
  })
}
