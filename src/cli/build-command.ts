import { Command } from 'commander'
import { lookAhead } from '../build/source-stamps.ts'
import { EarlyPool } from '../oci/early-pool.ts'
import { EarlyScan } from '../oci/early-scan.ts'
import type { BuildActionOptions } from './build-action.ts'
import { cacheFolder } from './cache-folder.ts'
import { keepCompiledCode } from './compiled-code.ts'
import { mayLeaveBase } from './may-leave-base.ts'
import {
  cacheBoundOption,
  cacheOption,
  cacheRepoOption,
  ignoreTodosOption,
  insecureOption,
  mapBaseOption,
  mirrorFallbackOption,
  mirrorOption,
  noCacheFromOption,
  noCacheOption,
  noPushCacheOption,
  platformsOption,
  progressOption,
  repeated,
  sandboxOption,
  varFileOption,
  varOption,
} from './options.ts'
import type { Surroundings } from './surroundings.ts'

const EXAMPLES = `
Examples:
  ocibake build app.spec.ts                                  the image lands in oci:out/app:latest
  ocibake build app.spec.ts --push                           pushed to the tags of the spec
  ocibake build app.spec.ts --tag ghcr.io/me/app:1 --push    and to one more
  ocibake build app.spec.ts --platform linux/amd64,linux/arm64 --push    one index with an image for each
  ocibake build app.spec.ts --output docker-archive:app.tar:app:1
  ocibake build app.spec.ts --output docker-archive:-:app:1 | podman load
  ocibake build *.spec.ts --var version=1.2 --progress json --metadata-file built.json
  ocibake build app.spec.ts --push --sbom app.spdx.json --attach-sbom
  ocibake build memcached.pkr.hcl                            a Packer template, imported in memory
  ocibake build Dockerfile --var VERSION=1.6.21              a Dockerfile of one stage, likewise

Outputs: docker://REF  oci:FOLDER[:TAG]  oci-archive:FILE[:TAG]  docker-archive:FILE[:NAME:TAG]  rootfs:FILE
With - for FILE an image goes to stdout, and its digest to stderr.
Exit codes: 0 done, 1 the build failed, 2 the spec or the command line is wrong, 3 network or credentials.`

export function buildCommand(around: Surroundings): Command {
  return new Command('build')
    .description('Build images from specs, Packer templates or Dockerfiles; prints the digest of each')
    .argument('<spec...>', 'spec files, or templates: .pkr.hcl, a folder of them, .json')
    .option('--push', 'push to the tags of the spec and of --tag')
    .option('--allow-immutable-tags', 'leave a tag that its registry does not let be moved, and push by digest')
    .addOption(repeated('-o, --output <transport:path>', 'write the image there'))
    .addOption(repeated('-t, --tag <reference>', 'a tag beside those of the spec'))
    .addOption(varOption())
    .addOption(varFileOption())
    .addOption(mapBaseOption())
    .addOption(ignoreTodosOption())
    .addOption(platformsOption())
    .addOption(sandboxOption())
    .option('--allow-inexact-ownership', 'let scripts run in proot if nothing else works, which loses owners')
    .addOption(noCacheOption())
    .addOption(noCacheFromOption())
    .addOption(cacheRepoOption())
    .addOption(noPushCacheOption())
    .option('--metadata-file <file>', 'write digest, size, tags and layers there, as JSON')
    .option('--sbom <file>', 'write a list of what is in the image there, as SPDX 2.3 in JSON')
    .option('--attach-sbom', 'push that list beside the image, where whoever has the image finds it')
    .addOption(progressOption())
    .addOption(cacheOption())
    .addOption(cacheBoundOption())
    .addOption(insecureOption())
    .addOption(mirrorOption())
    .addOption(mirrorFallbackOption())
    .addHelpText('after', EXAMPLES)
    .action(async (specs: string[], options: BuildActionOptions) => {
      const root = cacheFolder(options, around)
      keepCompiledCode(root, { make: true })
      // A thread starts while the rest is loaded, where that is not for nothing.
      const looks = specs.map((spec) => lookAhead(root, spec))
      const isFirst = looks.includes(undefined)
      // What another machine has made needs none.
      const mayBeElsewhere = options.cacheRepo !== undefined || (around.env.OCIBAKE_CACHE_REPO ?? '') !== ''
      const isFresh = isFirst && !mayBeElsewhere
      await using earlyPool = isFresh || looks.some((look) => look?.isChanged) ? new EarlyPool() : undefined
      await using earlyScan = isFresh && !specs.every(mayLeaveBase) ? new EarlyScan() : undefined
      const { buildAction } = await import('./build-action.ts')
      const hasMany = looks.some((look) => look?.hasMany)
      await buildAction(specs, options, around, { earlyPool, earlyScan, isFirst, hasMany })
    })
}
