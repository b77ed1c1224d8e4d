import type { Spec, SpecContext } from 'ocibake'

// Imported from Dockerfile.
export default ({ vars, platform }: SpecContext): Spec => {
  const registry = vars.REGISTRY ?? 'docker.io'
  const app = vars.APP ?? 'web'
  const buildDate = vars.BUILD_DATE ?? ''
  const targetarch = vars.TARGETARCH ?? platform.split('/')[1] ?? ''
  // TODO: the value that the base has for it.
  const port = vars.PORT ?? '8080'
  const tag = vars.TAG ?? 'bookworm'

  return {
    from: `${registry}/library/debian:${tag}`,
    steps: [
      {
        run: [
          'export FALLBACK="${NOTHING:-none}" JAVA="${JAVA_HOME}/bin" PATH="${PATH}:/opt/app/bin"',
          'echo "$APP on $TARGETARCH" > /etc/app',
        ],
        env: {
          REGISTRY: registry,
          APP: app,
          HOME_DIR: `/srv/${app}`,
          BUILD_DATE: buildDate,
          TARGETARCH: targetarch,
          APP_NAME: app,
          APP_HOME: `/srv/${app}`,
        },
      },
      { copy: 'app.conf', to: `/srv/${app}/data/${app}.conf` },
    ],
    config: {
      env: {
        APP_NAME: app,
        APP_HOME: `/srv/${app}`,
        FALLBACK: '${NOTHING:-none}',
        JAVA: '$JAVA_HOME/bin',
        PATH: '$PATH:/opt/app/bin',
      },
      expose: [port],
      user: app,
      workdir: `/srv/${app}/data`,
      cmd: 'exec app --home "$APP_HOME"',
      labels: { 'org.opencontainers.image.created': buildDate, 'com.example.app': `${app} of ${registry}` },
    },
  }
}
