import type { Spec, SpecContext } from 'ocibake'

/** Files and labels, and nothing else: no base, no script, no program. For a volume, or as the base of another image. */
export default ({ vars }: SpecContext): Spec => ({
  from: 'scratch',
  steps: [
    { copy: 'static-site/public/', to: '/srv/www/', exclude: ['*.md'] },
    { write: '/srv/www/robots.txt', text: 'User-agent: *\nAllow: /\n' },
    { link: '/srv/www/home.html', target: 'index.html' },
    { chmod: '/srv/www', mode: 'a+rX', recursive: true },
  ],
  config: {
    workdir: '/srv/www',
    labels: { 'org.opencontainers.image.title': 'static-site', 'com.example.document-root': '/srv/www' },
  },
  tags: (vars.tags ?? 'localhost:5000/examples/static-site:latest').split(','),
})
