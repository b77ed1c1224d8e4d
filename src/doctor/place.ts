import type { Finding } from './finding.ts'
import { SNIPPET_NAMES, type SnippetName } from './snippets.ts'

/** Where we are, as far as the environment says. */
export interface Place {
  /** For people: `GitLab CI`; undefined outside of any that is known. */
  readonly name: string | undefined
  /** What can be pasted there. */
  readonly snippets: readonly SnippetName[]
}

type Environment = Readonly<Record<string, string | undefined>>

/** The first that is set decides: jobs of GitLab and GitHub run in Kubernetes, too. */
const SIGNS: readonly [variable: string, name: string, snippet?: SnippetName][] = [
  ['GITLAB_CI', 'GitLab CI', 'gitlab'],
  ['GITHUB_ACTIONS', 'GitHub Actions', 'github'],
  ['GITEA_ACTIONS', 'Gitea Actions', 'github'],
  ['JENKINS_URL', 'Jenkins'],
  ['BUILDKITE', 'Buildkite'],
  ['CIRCLECI', 'CircleCI'],
  ['BITBUCKET_BUILD_NUMBER', 'Bitbucket Pipelines'],
  ['TF_BUILD', 'Azure Pipelines'],
  ['DRONE', 'Drone'],
  ['KUBERNETES_SERVICE_HOST', 'Kubernetes', 'kubernetes'],
  ['CI', 'a CI job'],
]

export function detectPlace(env: Environment): Place {
  const sign = SIGNS.find(([variable]) => Boolean(env[variable]))
  if (sign === undefined) return { name: undefined, snippets: SNIPPET_NAMES }
  const [, name, snippet] = sign
  return { name, snippets: snippet === undefined ? SNIPPET_NAMES : [snippet] }
}

export function placeFinding({ name }: Place): Finding {
  return {
    what: 'CI',
    state: name === undefined ? 'not needed' : 'ok',
    found: name ?? 'none that is known',
    neededFor: 'nothing; it decides which job can be pasted',
    howToGet: '',
  }
}
