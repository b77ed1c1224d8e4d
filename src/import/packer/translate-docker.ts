import type { Draft, DraftFields, DraftValue } from '../draft.ts'
import { isSecretName } from '../secret-name.ts'
import { knownText } from '../text.ts'
import type { Context } from './context.ts'
import { noteEndedBase } from './find-defects.ts'
import { missingBase } from './missing-base.ts'
import type { Options, PlacedText } from './options.ts'
import { readRunCommand } from './run-command.ts'
import { translateChanges } from './translate-changes.ts'

/** What a source says of the image, and of how its scripts run. */
export interface TranslatedSource {
  readonly draft: Pick<Draft, 'from' | 'platform' | 'config' | 'others' | 'comments'>
  /** Of every `run` step. */
  readonly runOptions: DraftFields
  /** The options of `ocibake build` that do what the source says beside. */
  readonly flags: readonly string[]
}

const CREDENTIALS = [
  ...['login', 'login_username', 'login_password', 'login_email', 'login_server', 'ecr_login', 'aws_access_key'],
  ...['aws_secret_key', 'aws_token', 'aws_profile', 'aws_force_use_public_ecr'],
]
const SANDBOXED = ['device', 'cap_add', 'cap_drop', 'privileged', 'runtime']
const NEEDLESS = ['docker_path', 'container_dir', 'communicator', 'pty']

/** The docker builder's options (packer-plugin-docker, builder/docker/config.go). `base` stands for its image if given. */
export function translateDocker(options: Options, base: string | undefined, context: Context): TranslatedSource {
  const { notes } = context
  const { changes, flags, comments } = outcome(options, context)
  const translated = translateChanges(changes, context)
  const author = options.text('author')
  const platform = options.text('platform')
  if (author !== undefined) notes.add('OB150', options.place('author'), '`author`', 'config.author')
  if (platform !== undefined) notes.add('OB150', options.place('platform'), '`platform`', 'platform')
  const config = { ...translated.config, ...(author === undefined ? {} : { author }) }
  noteOthers(options, context)
  const configComments = [...comments, ...translated.comments]
  return {
    draft: {
      from: baseOf(options, base, context),
      ...(platform === undefined ? {} : { platform }),
      config,
      others: {},
      ...(configComments.length === 0 ? {} : { comments: { config: configComments } }),
    },
    runOptions: scriptOptions(options, context),
    flags,
  }
}

function baseOf(options: Options, base: string | undefined, context: Context): DraftValue {
  const { notes } = context
  const image = options.text('image')
  const built = options.block.blocks.find(({ type }) => type === 'build')
  if (options.has('pull')) {
    const id = options.flag('pull') === false ? 'OB178' : 'OB150'
    notes.add(
      id,
      options.place('pull'),
      '`pull`',
      'Every build asks the registry what the base is; its layers are kept.',
    )
  }
  if (base !== undefined) return base
  if (image !== undefined) {
    notes.add('OB150', options.place('image'), '`image`', 'from')
    noteEndedBase(knownText(image) ?? '', options.place('image'), context)
    return image
  }
  const place = built?.place ?? options.block.place
  notes.add('OB181', place, 'The base is built from a Dockerfile.', 'Build it first, and name it by --map-base IMAGE.')
  return missingBase()
}

interface Outcome {
  readonly changes: readonly PlacedText[]
  readonly flags: readonly string[]
  readonly comments: readonly string[]
}

/** `commit`, `export_path` or `discard`: only a commit has a config. */
function outcome(options: Options, { notes }: Context): Outcome {
  const changes = options.texts('changes')
  const path = options.text('export_path')
  const discards = options.flag('discard') === true
  if (options.has('commit'))
    notes.add('OB150', options.place('commit'), '`commit`', 'An image, as every build makes one.')
  if (path === undefined && !discards) return { changes, flags: [], comments: [] }
  const flags = path === undefined ? [] : [`--output rootfs:${knownText(path) ?? 'FILE'}`]
  if (path !== undefined)
    notes.add('OB150', options.place('export_path'), '`export_path`', `ocibake build … ${flags[0]}`)
  else
    notes.add(
      'OB150',
      options.place('discard'),
      '`discard`',
      'No --push: the image stays in a folder, which may be removed.',
    )
  if (changes.length === 0) return { changes, flags, comments: [] }
  notes.add(
    'OB190',
    options.place('changes'),
    'Packer uses `changes` for a commit alone: these do nothing.',
    'Write them as `config` if they were meant.',
  )
  return { changes: [], flags, comments: ['Packer ignores the `changes` of this source, since it commits nothing.'] }
}

function scriptOptions(options: Options, context: Context): DraftFields {
  const given = options.text('exec_user')
  const user = /^(root|0)(:(root|0))?$/.test(knownText(given ?? '') ?? '') ? undefined : given
  const fromCommand = readRunCommand(options, context)
  if (given !== undefined)
    context.notes.add('OB150', options.place('exec_user'), '`exec_user`', '`user` of every `run` step.')
  return { ...fromCommand, ...(user === undefined ? {} : { user }) }
}

function noteOthers(options: Options, { notes }: Context): void {
  const known = (names: readonly string[]) => names.filter((name) => options.has(name))
  for (const name of known(CREDENTIALS)) {
    const advice =
      "ocibake finds logins by itself: docker's and podman's files, helpers, Amazon ECR; see docs/registries.md."
    notes.add('OB156', options.place(name), `\`${name}\` is not needed.`, advice)
    if (isSecretName(name) && typeof options.text(name) === 'string') {
      notes.add(
        'OB124',
        options.place(name),
        `\`${name}\` is a secret in the template.`,
        'Take it out, and change it where it is known.',
      )
    }
  }
  for (const name of known(SANDBOXED)) {
    notes.add(
      'OB174',
      options.place(name),
      `\`${name}\` has no meaning here: scripts run in a sandbox without docker.`,
      '`ocibake doctor` says what the sandbox of this machine can do.',
    )
  }
  for (const name of known(NEEDLESS))
    notes.add('OB156', options.place(name), `\`${name}\` is not needed.`, 'There is no docker and no container.')
  for (const name of known(['volumes'])) {
    notes.add(
      'OB183',
      options.place(name),
      'Scripts cannot see folders of the host (`volumes`).',
      'Copy what they need into the image and remove it, or give it as `secrets`.',
    )
  }
  for (const name of known(['tmpfs'])) {
    notes.add(
      'OB174',
      options.place(name),
      'There is no `tmpfs`: what scripts leave there stays in the image.',
      'Add a `remove` step.',
    )
  }
  for (const name of known(['message'])) {
    notes.add('OB178', options.place(name), '`message` is left out.', "The image's history has every step instead.")
  }
  for (const name of known(['fix_upload_owner'])) {
    notes.add(
      'OB156',
      options.place(name),
      '`fix_upload_owner` is not needed.',
      'Copied files belong to 0:0 unless `owner` says otherwise.',
    )
  }
  if (options.flag('windows_container') === true) {
    notes.add(
      'OB183',
      options.place('windows_container'),
      'Windows containers cannot be built.',
      'ocibake builds images for Linux.',
    )
  }
}
