import { basename } from 'node:path'

/** The path is that of a Dockerfile, by its name: `Dockerfile`, `Containerfile`, with something before or behind it. */
export function isDockerfile(path: string): boolean {
  return (
    /^((docker|container)file(\..+)?|.+\.(docker|container)file)$/i.test(basename(path)) && !/\.spec\.\w+$/.test(path)
  )
}
