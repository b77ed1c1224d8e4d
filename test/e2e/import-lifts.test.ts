import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bake } from '../support/cli.ts'
import { describeRoot } from '../support/described-root.ts'
import { type S3, startS3 } from '../support/s3.ts'

// The shell is dash: that of busybox takes its own applets for all programs.
const APPLETS = 'cp mv rm mkdir chmod chown ls cat echo basename touch ln id test true sleep install env pwd sed'
/** Stand-ins that find in the image what the real ones find on the net. */
const PROGRAMS = {
  aws: '#!/bin/sh -e\n# aws s3 cp s3://bucket/KEY TARGET\nfile=/objects/$(basename "$3")\nif [ "$4" = - ]; then cat "$file"; else cp "$file" "$4"; fi\n',
  wget: '#!/bin/sh -e\n# wget -P FOLDER URL\ncp "/objects/$(basename "$3")" "$2/"\n',
}
const PASSWD = 'root:x:0:0::/root:/bin/sh\napp:x:1234:1234::/srv:/bin/sh\n'
const GROUP = 'root:x:0:\napp:x:1234:\n'

/** Scripts as people write them: what is lifted out of them is to leave everything else as it was. */
const SCRIPTS = [
  ['mkdir /root/.aws', 'echo key > /root/.aws/credentials'],
  [
    ...['mkdir -p /opt/first /s5cmd', 'touch /opt/first/before'],
    ...[
      'wget -P /s5cmd https://example.com/s5cmd_2.0_Linux-64bit.tar.gz',
      'tar -xzf /s5cmd/s5cmd_2.0_Linux-64bit.tar.gz -C /s5cmd',
    ],
    ...['chmod +x /s5cmd/s5cmd', 'cp /s5cmd/s5cmd /sbin'],
    ...['mkdir -p /tmp/cache && cd /tmp/cache', "s5cmd --stat cp 's3://bucket/app.tar.gz' ."],
    ...["tar -zxf app.tar.gz -C /opt/first --strip-components=2 --no-same-owner --wildcards '*/files'", 'cd'],
    ...['pwd > /opt/first/where', 'touch /opt/first/after', 'rm -rf /s5cmd', 'rm /sbin/s5cmd', 'rm -rf /tmp/cache'],
  ],
  [
    'cd /opt',
    'mkdir second',
    'aws s3 cp s3://bucket/app.tar.gz /tmp/x.tgz --quiet',
    'tar xzf /tmp/x.tgz -C second',
    'rm -f /tmp/x.tgz /tmp/y',
    'touch here',
  ],
  [
    'mkdir /opt/third',
    "aws s3 cp s3://bucket/app.tar.gz - | tar -xz -C /opt/third --exclude='*.md'",
    'ls /opt/third/app-1 > /opt/third/list',
  ],
  [
    'NAME=kept',
    'export OTHER=also',
    'mkdir /opt/fourth',
    'chown -R app:app /opt/third',
    'echo $NAME $OTHER > /opt/fourth/names',
    'env | sed -n "/OTHER/p" >> /opt/fourth/names',
  ],
  ['f() { touch "/opt/fourth/$1"; }', 'chown -R app /opt/second/', 'f made'],
  [
    'umask 077',
    'chown -R :app /opt/first',
    'touch /opt/fourth/private; mkdir /var/junk /opt/fourth/kept',
    'rm -rf /root/.aws /objects',
    'rm -rf /var/junk',
  ],
]

describe('what is lifted out of scripts', () => {
  let folder = ''
  let s3: S3
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-lifts-'))
    const root = join(folder, 'root')
    const put = async (path: string, text: string | Buffer, mode = 0o644) => {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), text)
      await chmod(join(root, path), mode)
    }
    for (const path of ['bin', 'sbin', 'tmp', 'opt', 'var', 'etc', 'root'])
      await mkdir(join(root, path), { recursive: true })
    await copyFile('/bin/busybox', join(root, 'bin/busybox'))
    for (const name of APPLETS.split(' ')) await symlink('busybox', join(root, 'bin', name))
    const { stdout } = await execa('ldd', ['/bin/tar'])
    for (const [path] of [['/bin/tar'], ['/bin/gzip'], ...stdout.matchAll(/\/lib\S+/g)])
      await put(path!, await readFile(path!), 0o755)
    for (const [name, text] of Object.entries(PROGRAMS)) await put(`bin/${name}`, text, 0o755)
    await put('bin/sh', await readFile('/bin/dash'), 0o755)
    await put('etc/passwd', PASSWD)
    await put('etc/group', GROUP)

    const top = join(folder, 'app-1')
    await mkdir(join(top, 'files/bin'), { recursive: true })
    for (const name of ['files/bin/app', 'files/read.md', 'notes.md', 'files.txt'])
      await writeFile(join(top, name), name)
    await chmod(join(top, 'files/bin/app'), 0o4755)
    await mkdir(join(folder, 's5'))
    await writeFile(join(folder, 's5/s5cmd'), '#!/bin/sh -e\ncp "/objects/$(basename "$3")" "$4"\n')
    const tar = (name: string, from: string, member: string, ...more: string[]) =>
      execa('tar', ['-czf', join(root, 'objects', name), '-C', from, ...more, member])
    await mkdir(join(root, 'objects'))
    await tar('app.tar.gz', folder, 'app-1', '--owner=4321', '--group=4321', '--numeric-owner')
    await tar('s5cmd_2.0_Linux-64bit.tar.gz', join(folder, 's5'), 's5cmd', '--owner=0', '--group=0')

    s3 = await startS3()
    s3.createBucket('bucket')
    s3.put('bucket', 'app.tar.gz', await readFile(join(root, 'objects/app.tar.gz')))
    await writeFile(
      join(folder, 'base.spec.json'),
      JSON.stringify({ from: 'scratch', steps: [{ copy: 'root', to: '/', mode: 'keep' }] }),
    )
    const provisioners = SCRIPTS.map((inline) => ({ type: 'shell', inline }))
    const template = { builders: [{ type: 'docker', image: 'oci:out/base:latest', commit: true }], provisioners }
    await writeFile(join(folder, 'app.json'), JSON.stringify(template))
  })
  afterAll(async () => {
    await s3?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('leaves the same image as the scripts themselves', async () => {
    const ocibake = (...args: string[]) => bake(args, { cache: folder, cwd: folder, env: s3.env })
    const root = async (name: string) => {
      await ocibake('build', `${name}.spec.ts`, '--output', `rootfs:${name}.tar`)
      await mkdir(join(folder, name))
      await execa('tar', ['-xpf', `${name}.tar`, '-C', name, '--numeric-owner', '--xattrs'], { cwd: folder })
      return new Map([...(await describeRoot(join(folder, name)))].map(([path, { text }]) => [path, text]))
    }
    await ocibake('build', 'base.spec.json')
    await ocibake('import', 'app.json', '--no-lift', '--output', 'literal.spec.ts')
    await ocibake('import', 'app.json', '--output', 'lifted.spec.ts')
    const [literal, lifted] = [await root('literal'), await root('lifted')]
    // docs/packer.md says so: `own` keeps the set-id bits that chown clears.
    for (const path of ['/opt/first/bin/app', '/opt/third/app-1/files/bin/app']) {
      expect(lifted.get(path)).toMatch(/^file 4755 /)
      literal.set(path, literal.get(path)!.replace('0755', '4755'))
    }
    expect(lifted).toEqual(literal)
    expect([...literal.keys()]).toEqual(expect.arrayContaining(['/opt/first/bin/app', '/opt/fourth/made', '/opt/here']))
    expect([...literal.keys()]).not.toContain('/sbin/s5cmd')

    const spec = await readFile(join(folder, 'lifted.spec.ts'), 'utf8')
    expect(spec.match(/unpack: 's3:/g)).toHaveLength(3)
    expect(spec.match(/\bown: /g)).toHaveLength(2)
    expect(spec).not.toMatch(/s5cmd|aws s3|x\.tgz/)
  })
})
