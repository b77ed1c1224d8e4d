/**
 * The library: what a spec file imports as types, and what a program needs to build images itself. It reads parts and
 * starts threads from files beside it: to a bundler, the package has to be an external one.
 */

export { type BuildIndexOptions, type BuildIndexResult, buildIndex } from './build/build-index.ts'
export { CacheRepo, type CacheRepoOptions } from './build/cache-repo.ts'
export type { SbomOptions, ShippedSbom } from './build/sbom.ts'
export { type BuildOptions, type BuildResult, build } from './build.ts'
export { type ErrorCode, EXIT_CODES, OcibakeError } from './errors.ts'
export { type Event, type Report, silent } from './events.ts'
export { Network } from './network/network.ts'
export type { ConfigChanges } from './oci/configure.ts'
export { type Digest, parseDigest } from './oci/digest.ts'
export type { Image } from './oci/image.ts'
export type { ImageIndex, IndexEntry } from './oci/image-index.ts'
export type { Layer } from './oci/layer.ts'
export { formatPlatform, hostPlatform, type Platform, parsePlatform } from './oci/platform.ts'
export { formatReference, parseReference, type Reference } from './oci/reference.ts'
export { Store } from './oci/store.ts'
export { parseTransport, type Transport } from './oci/transport.ts'
export type { AnsibleStep, ExtraVar } from './provision/ansible-step.ts'
export type { SecretSource, SecretVariable } from './provision/secret-source.ts'
export type {
  ChmodStep,
  CopyStep,
  LinkStep,
  OwnStep,
  RemoveStep,
  RunStep,
  Step,
  UnpackStep,
  WriteStep,
} from './provision/step.ts'
export { certificateLookup } from './registry/certificates.ts'
export { RegistryConnection } from './registry/connection.ts'
export { credentialLookup } from './registry/credentials.ts'
export { registriesLookup } from './registry/registries-conf.ts'
export { type LoadedSpec, loadSpec, loadSpecs } from './spec/load.ts'
export { makePlan, type Plan } from './spec/plan.ts'
export type { AllowedSecret, DebianBase, Spec, SpecContext, SpecFunction } from './spec/spec.ts'
