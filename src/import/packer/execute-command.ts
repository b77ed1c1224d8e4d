/** How Packer's shell provisioner starts a script, as far as that matters here. */
export interface Execution {
  /** What reads the script; undefined: its own first line says. */
  readonly shell: readonly string[] | undefined
  readonly user: string | undefined
  /** It went through sudo. */
  readonly sudo: boolean
}

const PATHS: ReadonlyMap<string, string> = new Map(['sh', 'bash', 'dash', 'ash'].map((name) => [name, `/bin/${name}`]))

/** What an `execute_command` does; undefined when it does something that no step can. */
export function readExecuteCommand(command: string): Execution | undefined {
  const text = command
    .replace(/\{\{-?\s*\.Path\s*-?\}\}/g, 'PACKER_PATH')
    .replace(/\{\{-?\s*\.(Vars|EnvVarFile)\s*-?\}\}/g, 'PACKER_VARS')
  if (text.includes('{{')) return undefined
  const parts = text.split(/;|&&/).map((part) => part.trim())
  const isPreparation = (part: string) =>
    /^(sudo\s+)?(chmod\s+\S+\s+['"]?PACKER_PATH['"]?|\.\s+PACKER_VARS|)$/.test(part)
  const [start, ...others] = parts.filter((part) => !isPreparation(part))
  return start === undefined || others.length > 0 ? undefined : readStart(start)
}

/** `echo 'password' | sudo -S -E sh -e 'PATH'`, of which any part may be missing. */
function readStart(start: string): Execution | undefined {
  const piped = /^echo\s+('[^']*'|"[^"]*"|\S+)\s*\|\s*((?:PACKER_VARS\s+)?sudo\s.*)$/.exec(start)
  const words = wordsOf(piped?.[2] ?? start)
  if (words === undefined) return undefined
  const execution = { shell: undefined as string[] | undefined, user: undefined as string | undefined, sudo: false }
  while (words.length > 0) {
    const word = words.shift()!
    if (word === 'PACKER_VARS' || word === 'env') continue
    if (word === 'sudo') {
      execution.sudo = true
      if (!takeSudoOptions(words, execution)) return undefined
    } else if (word === 'PACKER_PATH') return words.length === 0 ? execution : undefined
    else if (/^[A-Za-z_]\w*=\S*$/.test(word)) return undefined
    else {
      const inner = takeShell(word, words)
      if (inner === undefined) return undefined
      return { ...execution, ...inner }
    }
  }
  return undefined
}

function takeSudoOptions(words: string[], execution: { user: string | undefined }): boolean {
  while (words[0]?.startsWith('-')) {
    const option = words.shift()!
    if (option === '-u') execution.user = words.shift()
    else if (!/^-[SEHnkA]+$/.test(option) && option !== '--preserve-env') return false
  }
  return words.length > 0
}

/** `bash -eux PATH`, or `sh -c 'VARS PATH'`, which lets the script's first line choose. */
function takeShell(program: string, words: string[]): Pick<Execution, 'shell'> | undefined {
  const path = program.startsWith('/') ? program : PATHS.get(program)
  if (path === undefined) return undefined
  const options: string[] = []
  while (words[0]?.startsWith('-')) {
    const option = words.shift()!
    if (/^-[a-z]*c$/.test(option)) {
      const [inner = '', ...others] = words
      const isPath = /^(PACKER_VARS\s+)?PACKER_PATH$/.test(inner.trim())
      return isPath && others.length === 0 ? { shell: undefined } : undefined
    }
    options.push(option, ...(option === '-o' ? words.splice(0, 1) : []))
  }
  return words.length === 1 && words[0] === 'PACKER_PATH' ? { shell: [path, ...options] } : undefined
}

/** Words between blanks and quotes; undefined for anything of which a shell makes more. */
function wordsOf(text: string): string[] | undefined {
  const words = text.match(/(?:'[^']*'|"[^"$`\\]*"|[^\s'"$`\\|&;<>()*?[\]{}~#!])+/g) ?? []
  const isAll = words.join('').length === text.replace(/\s+(?=(?:[^'"]|'[^']*'|"[^"]*")*$)/g, '').length
  return isAll ? words.map((word) => word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2')) : undefined
}
