import type { ConfigChanges } from '../oci/configure.ts'
import type { NormaliserName } from '../provision/normalisers.ts'
import type { Step } from '../provision/step.ts'
import type { SecretKind } from '../secrets/secret-search.ts'

/** A base made from Debian's packages by mmdebstrap. */
export interface DebianBase {
  /** The suite: 'bookworm', 'trixie', 'sid' … */
  readonly debian: string
  /** mmdebstrap's --variant. Default: 'minbase'. */
  readonly variant?: string
  /** Packages beside those of the variant. */
  readonly include?: readonly string[]
  /** Default: the mirror that the host's own apt uses. */
  readonly mirror?: string
  /** A time of Debian's snapshot archive, `20260101T000000Z`, instead of a mirror: the same packages for ever. */
  readonly snapshot?: string
}

/** What an image is made of. Data only: a `.spec.ts` file exports one, or a function that returns one. */
export interface Spec {
  /** For people and for the default output's name. Default: the file's name without `.spec.ts`. */
  readonly name?: string
  /**
   * `debian:bookworm-slim`, `docker://…`, `oci:dir[:tag]`, `oci-archive:file[:tag]`, `docker-archive:file[:name:tag]`,
   * `scratch`, or a Debian base. Paths are relative to the spec file.
   */
  readonly from: string | DebianBase
  /** `os/architecture[/variant]`; of several, one index. Default: linux on this machine's processor; `--platform` wins. */
  readonly platform?: string | readonly string[]
  /** Performed in this order. */
  readonly steps?: readonly Step[]
  readonly config?: ConfigChanges
  /** `squash` (default): one layer that is the whole image. `append`: one layer over the untouched base layers. */
  readonly layers?: 'squash' | 'append'
  /** false, with `append`: nothing of the base is fetched but its manifest and config. Default: true. */
  readonly readBase?: boolean
  /** Of the new layer. Default: 'gzip'. */
  readonly compression?: 'gzip' | 'zstd' | 'none'
  /** With gzip: compress all anew, instead of copying what the base and large tarballs have compressed already. Default: false. */
  readonly recompress?: boolean
  /** Of the manifest and all it names. Default: 'oci'. */
  readonly mediaTypes?: 'oci' | 'docker'
  /** The image's time, ISO 8601 with a zone; nothing in the new layer is newer. SOURCE_DATE_EPOCH wins. Default: the newest input. */
  readonly created?: string
  /** Annotations of the manifest, beside those that ocibake sets. */
  readonly annotations?: Readonly<Record<string, string>>
  /** Where `--push` pushes to. */
  readonly tags?: readonly string[]
  /** Normalisers to turn off: `{ 'python-bytecode': false }`. `ocibake plan` lists them. */
  readonly normalise?: Partial<Readonly<Record<NormaliserName, boolean>>>
  /** Secrets that are meant to be in the image: paths, as SECRET_FOUND names them, with wildcards. */
  readonly allowSecrets?: readonly (string | AllowedSecret)[]
}

/** Either alone is enough; both have to fit if both are there. */
export interface AllowedSecret {
  /** As for `remove`, or a place in the config or the history. */
  readonly path?: string
  readonly kind?: SecretKind
}

/** What a spec that is a function is given. */
export interface SpecContext {
  /** `--var name=value`. A name that the spec never reads is a mistake and reported. */
  readonly vars: Readonly<Record<string, string | undefined>>
  /** The caller's environment. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** What the image is for, in its normal form: `linux/arm64`. Of several platforms, the function is called for each. */
  readonly platform: string
}

export type SpecFunction = (context: SpecContext) => Spec | Promise<Spec>
