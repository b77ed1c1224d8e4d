import type { Spec, SpecContext } from 'ocibake'

/**
 * memcached from a tarball in S3, on Debian, for uid 65100. Variables (`--var name=value`):
 *
 *   base      any base with apt           default: Debian bookworm, made by mmdebstrap
 *   version   of the tarball              default: 1.6.21
 *   bucket    where the tarball is        default: coredgeapplications
 *   object    the tarball's key           default: from the version, as below
 *   sha256    of the tarball              default: not checked
 *   tags      where --push pushes to, separated by commas
 */
export default ({ vars }: SpecContext): Spec => {
  const version = vars.version ?? '1.6.21'
  const bucket = vars.bucket ?? 'coredgeapplications'
  const object = vars.object ?? `memcached/v${version}-0/memcached-${version}-0-linux-amd64-debian-11.tar.gz`
  const sha256 = vars.sha256

  return {
    from: vars.base ?? { debian: 'bookworm', variant: 'minbase', include: ['adduser', 'passwd'] },
    steps: [
      { copy: 'memcached/rootfs/', to: '/' },
      { copy: 'memcached/prebuildfs/opt/', to: '/opt/' },
      {
        run: [
          'getent group core >/dev/null || groupadd --gid 65100 core',
          'getent passwd core >/dev/null ||',
          '  useradd --uid 65100 --key UID_MAX=65100 --gid core --home-dir /opt/coredge --no-create-home --shell /bin/bash core',
          'apt-get update',
          'apt-get install -y --no-install-recommends ca-certificates libevent-2.1-7 libsasl2-2 libsasl2-modules \\',
          '  libssl3 netcat-openbsd procps sasl2-bin',
        ],
        env: { DEBIAN_FRONTEND: 'noninteractive' },
      },
      // Of the tarball only TOP/files/… is for the image, two components stripped.
      {
        unpack: `s3://${bucket}/${object}`,
        to: '/opt/coredge',
        stripComponents: 2,
        wildcards: ['*/files'],
        ...(sha256 === undefined ? {} : { sha256 }),
      },
      {
        run: '/opt/coredge/scripts/memcached/postunpack.sh',
        shell: ['/bin/bash', '-o', 'pipefail', '-c'],
        network: 'none',
      },
      { chmod: '/opt/coredge', mode: 'g+rwX' },
      { write: '/etc/issue', text: '\n' },
      { own: '/opt/coredge', by: 'core:core' },
      // `apt-get purge passwd` would take adduser and apt along; the package alone is what has to go.
      { run: 'dpkg --purge --force-remove-essential --force-depends passwd', network: 'none' },
      // sasl2-bin makes an empty database with a random number in it; the image has its own in memcached's folder.
      { remove: ['/etc/sasldb2', '/var/lib/apt/lists/*', '/var/cache/apt/archives/*'] },
    ],
    config: {
      env: { APP_VERSION: version, COREDGE_APP_NAME: 'memcached', PATH: '/opt/coredge/memcached/bin:$PATH' },
      expose: [11211],
      user: '65100',
      entrypoint: ['/opt/coredge/scripts/memcached/entrypoint.sh'],
      cmd: ['/opt/coredge/scripts/memcached/run.sh'],
      labels: { 'org.opencontainers.image.title': 'memcached', 'org.opencontainers.image.version': version },
    },
    tags: (vars.tags ?? `localhost:5000/coredge/memcached:${version}`).split(','),
  }
}
