import { DEFAULT_PATH } from '../oci/environment.ts'
import type { BuildFacts } from './step.ts'

/** What every command in an image starts from: PATH and HOME, the base's variables, proxies, each over the one before. */
export function commandEnvironment(build: Pick<BuildFacts, 'baseEnv' | 'proxyEnv'>, home: string) {
  return { PATH: DEFAULT_PATH, HOME: home, ...build.baseEnv, ...build.proxyEnv }
}
