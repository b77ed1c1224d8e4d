import type { Spec, SpecContext } from 'ocibake'

// Imported from Dockerfile.
export default ({ vars, platform }: SpecContext): Spec => {
  const targetos = vars.TARGETOS ?? platform.split('/')[0] ?? ''
  const targetarch = vars.TARGETARCH ?? platform.split('/')[1] ?? ''
  const goVersion = vars.GO_VERSION ?? '1.23'

  return {
    from: `golang:${goVersion}-bookworm`,
    steps: [
      { copy: 'go.mod', to: '/src/' },
      { copy: 'go.sum', to: '/src/' },
      { run: 'go mod download', workdir: '/src' },
      {
        copy: './',
        to: '/src',
        exclude: ['/.git', '**/*_test.go', '/Dockerfile', '/go.spec.ts', '/go-*.spec.ts', '/out/'],
      },
      {
        run: 'CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -ldflags="-s -w" -o /out/server ./cmd/server',
        env: { TARGETOS: targetos, TARGETARCH: targetarch },
        workdir: '/src',
      },
    ],
    config: { workdir: '/src' },
  }
}
