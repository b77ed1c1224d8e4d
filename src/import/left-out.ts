import type { Finding } from './finding.ts'
import type { Build } from './template.ts'
import type { Place } from './value.ts'

/** The findings for provisioners and post-processors that `only` and `except` leave for no build. @param places where all are */
export function leftOut(places: readonly Place[], builds: readonly Build[]): readonly Finding[] {
  if (builds.length === 0) return []
  const taken = new Set(
    builds
      .flatMap(({ provisioners, postProcessors, errorCleanup }) => [
        ...provisioners,
        ...postProcessors.flat(),
        errorCleanup,
      ])
      .map((block) => JSON.stringify(block?.place)),
  )
  return places
    .filter((place) => !taken.has(JSON.stringify(place)))
    .map((place) => ({
      kind: 'defect',
      id: 'OB149',
      place,
      says: 'By its `only` and `except` this is for none of the builds; Packer leaves it out as well.',
      advice: `Name one of ${builds.map(({ source, name }) => (name.includes('.') ? `${source.type}.${source.name}` : name)).join(', ')}, or remove it.`,
    }))
}
