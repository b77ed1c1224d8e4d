export const SNIPPET_NAMES = ['gitlab', 'github', 'kubernetes'] as const
export type SnippetName = (typeof SNIPPET_NAMES)[number]

/** What can be pasted. docs/sandboxes.md has the same text; a test compares the two. */
export interface Snippet {
  readonly name: SnippetName
  /** Where it goes and what it needs, in a sentence. */
  readonly title: string
  /** YAML. */
  readonly text: string
}

const GITLAB = `image:
  stage: build
  image: node:24-bookworm
  variables:
    OCIBAKE_CACHE_DIR: $CI_PROJECT_DIR/.ocibake
  cache:
    key: ocibake
    paths: [.ocibake]
  script:
    - npm ci
    - export OCIBAKE_REGISTRY_TOKEN="$CI_REGISTRY=$CI_REGISTRY_USER:$CI_REGISTRY_PASSWORD"
    - npx ocibake build web.spec.ts --tag "$CI_REGISTRY_IMAGE:$CI_COMMIT_REF_SLUG" --push --metadata-file built.json
  artifacts:
    paths: [built.json]
`

const GITHUB = `name: image
on: push
jobs:
  image:
    runs-on: ubuntu-24.04
    permissions: { contents: read, packages: write }
    env:
      OCIBAKE_CACHE_DIR: /tmp/ocibake
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with: { node-version: 24 }
      - uses: actions/cache@v4
        with:
          path: /tmp/ocibake
          key: ocibake-\${{ github.run_id }}
          restore-keys: ocibake-
      # Allows the sandbox userns. Without this line it is ptrace: the same image, a little slower.
      - run: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0
      - run: npm ci
      - run: npx ocibake build web.spec.ts --tag "ghcr.io/$GITHUB_REPOSITORY:latest" --push
        env:
          OCIBAKE_REGISTRY_TOKEN: ghcr.io=\${{ github.actor }}:\${{ secrets.GITHUB_TOKEN }}
`

const KUBERNETES = `apiVersion: v1
kind: Pod
metadata:
  name: image
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  securityContext:
    runAsNonRoot: true
    runAsUser: 12345
    fsGroup: 12345
    seccompProfile: { type: RuntimeDefault }
  containers:
    - name: ocibake
      image: registry.example.com/ci/web:1 # Node 24 and the project, after npm ci
      command: [npx, ocibake, build, web.spec.ts, --push]
      env:
        - { name: HOME, value: /tmp }
        - { name: OCIBAKE_CACHE_DIR, value: /cache/ocibake }
        - { name: REGISTRY_AUTH_FILE, value: /auth/.dockerconfigjson }
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      volumeMounts:
        - { name: cache, mountPath: /cache }
        - { name: tmp, mountPath: /tmp }
        - { name: auth, mountPath: /auth, readOnly: true }
  volumes:
    - { name: cache, emptyDir: {} }
    - { name: tmp, emptyDir: {} }
    - name: auth
      secret: { secretName: registry-login }
`

const SNIPPETS: readonly Snippet[] = [
  {
    name: 'gitlab',
    title: 'A job for .gitlab-ci.yml. Any runner in a container will do, privileged or not.',
    text: GITLAB,
  },
  {
    name: 'github',
    title: 'A workflow for .github/workflows/image.yml, on a machine of GitHub.',
    text: GITHUB,
  },
  {
    name: 'kubernetes',
    title: 'A pod under the restricted profile: no root, no capability, nothing to write to but two volumes.',
    text: KUBERNETES,
  },
]

export function snippet(name: SnippetName): Snippet {
  return SNIPPETS.find((one) => one.name === name)!
}
