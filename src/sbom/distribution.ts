import { type ImageTexts, METADATA } from './image-texts.ts'

/** Which distribution an image is of, as its /etc/os-release says. Both are as purls have them. */
export interface Distribution {
  /** `debian`, `alpine`; undefined where nothing says so. */
  readonly id: string | undefined
  /** `debian-12`: vulnerability scanners look packages up by this. */
  readonly release: string | undefined
}

/** @throws as `ImageTexts.read` */
export async function distributionOf(texts: ImageTexts): Promise<Distribution> {
  const text =
    (await texts.read('etc/os-release', METADATA)) ?? (await texts.read('usr/lib/os-release', METADATA)) ?? ''
  const values = new Map([...text.matchAll(/^([A-Z_]+)=["']?([\w.~+-]{1,100})["']?\s*$/gm)].map(([, k, v]) => [k!, v!]))
  const id = values.get('ID')?.toLowerCase()
  // Of a release that is not out yet there is a name alone.
  const version = values.get('VERSION_ID') ?? values.get('VERSION_CODENAME')
  return { id, release: id === undefined || version === undefined ? id : `${id}-${version}` }
}
