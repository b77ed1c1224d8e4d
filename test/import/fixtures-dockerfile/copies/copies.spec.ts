import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'debian:bookworm',
  steps: [
    { run: 'mkdir -p /srv/app' },
    { copy: 'a.conf', to: '/srv/app/conf.d/', owner: 'www-data:www-data' },
    { copy: 'b.conf', to: '/srv/app/conf.d/', owner: 'www-data:www-data' },
    { copy: 'secret.ini', to: '/etc/app/', owner: '33:33', mode: '0640' },
    { copy: 'scripts/', to: '/usr/local/lib/scripts', exclude: ['**/tmp'], mode: '0700' },
    { copy: 'data/', to: '/data', exclude: ['**/tmp', '/*', '!/d'] },
    { chmod: '/data', mode: 'u=rwX,go=rX', recursive: true },
    { copy: 'docs/', to: '/srv/app/docs', exclude: ['**/tmp', '/*.md'] },
    { copy: 'one/run.sh', to: '/runs/' },
    { copy: 'scripts/run.sh', to: '/runs/' },
    { copy: 'two/run.sh', to: '/runs/' },
    { copy: 'with blank.txt', to: '/etc/with blank.txt' },
    { copy: 'missing.txt', to: '/etc/' },
    { copy: 'ignored.log', to: '/etc/' },
    { copy: 'a.conf', to: '/etc/app/' },
    { copy: 'b.conf', to: '/etc/app/' },
    { copy: 'scripts/deep/tool.sh', to: '/opt/scripts/deep/' },
    {
      copy: './',
      to: '/all',
      exclude: ['/*.log', '**/tmp', '/data', '!/data/', '/data/*', '!/data/d', '/copies.spec.ts'],
    },
    {
      copy: './',
      to: '/all2',
      exclude: ['/*.log', '**/tmp', '/data', '!/data/', '/data/*', '!/data/d', '/copies.spec.ts'],
    },
    { run: 'ls -l', workdir: '/srv/app' },
  ],
  config: { workdir: '/srv/app' },
} satisfies Spec
