import type { Spec, SpecContext } from 'ocibake'

// Imported from Dockerfile.
export default ({ vars }: SpecContext): Spec => {
  const base = vars.BASE ?? 'debian:bookworm-slim'

  return {
    from: base,
    steps: [
      { copy: './', to: '/src', exclude: ['/Dockerfile*', '/*.md', '/stages.spec.ts', '/stages-*.spec.ts', '/out/'] },
      {
        run: [
          'mkdir -p /out/share/doc',
          'sed "s/@NAME@/$NAME/" hello.in > /out/hello',
          'chmod 0755 /out/hello',
          'cp *.txt /out/share/',
        ],
        env: { NAME: 'world' },
        workdir: '/src',
      },
      { own: '/out/share', by: '33:34' },
      {
        run: [
          'chmod 0750 /out/share/doc',
          'ln -s hello /out/greet',
          'ln -s share /out/words',
          'ln -s ../out/share/a.txt /out/share/letter',
        ],
        env: { NAME: 'world' },
        workdir: '/src',
      },
    ],
    config: { env: { NAME: 'world' }, workdir: '/src' },
  }
}
