import { shellTokens, type Token, UnclearScript } from './tokens.ts'

export interface WithoutSudo {
  readonly script: string
  /** How often it was taken away. */
  readonly taken: number
  /** How often it stays, since it does more than to become root. */
  readonly left: number
}

/** The script without `sudo` where that does nothing for root: `sudo -E apt-get` is `apt-get`. */
export function withoutSudo(script: string): WithoutSudo {
  let tokens: readonly Token[]
  try {
    tokens = shellTokens(script)
  } catch (error) {
    if (!(error instanceof UnclearScript)) throw error
    return { script, taken: 0, left: /\bsudo\b/.test(script) ? 1 : 0 }
  }
  const cuts: { start: number; end: number }[] = []
  let left = 0
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== 'word' || token.quoted || token.value !== 'sudo' || !isFirst(tokens, index)) continue
    const target = behindOptions(tokens, index + 1)
    if (target === undefined) left++
    else cuts.push({ start: token.start, end: target.start })
  }
  const kept = cuts.reduceRight((text, { start, end }) => text.slice(0, start) + text.slice(end), script)
  return { script: kept, taken: cuts.length, left }
}

function isFirst(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1]
  if (before === undefined || before.kind !== 'word') return before?.value !== '<' && before?.value !== '>'
  return ['then', 'else', 'do', '{', '!', 'if', 'while', 'until', 'elif'].includes(before.value)
}

/** The command behind options that only say how to become root. */
function behindOptions(tokens: readonly Token[], start: number): Token | undefined {
  let at = start
  while (/^(-[EHnSkA]+|--preserve-env|--)$/.test(tokens[at]?.value ?? '')) at++
  const token = tokens[at]
  const isCommand = token?.kind === 'word' && !token.value.startsWith('-') && token.value !== 'su'
  return isCommand ? token : undefined
}
