/**
 * What a pattern of COPY or `.dockerignore` matches (Go's filepath.Match, and `**` for any number of folders). A pattern
 * that is none matches itself.
 */
export function patternExpression(pattern: string): RegExp {
  let source = ''
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!
    if (pattern.startsWith('**/', at)) {
      source += '(?:.*/)?'
      at += 2
    } else if (pattern.startsWith('**', at)) {
      source += '.*'
      at++
    } else if (character === '*') source += '[^/]*'
    else if (character === '?') source += '[^/]'
    else if (character === '\\' && at + 1 < pattern.length) source += escaped(pattern[++at]!)
    else if (character === '[') {
      const [whole, not, inner] = /^\[(\^?)((?:\\.|[^\]\\])+)\]/s.exec(pattern.slice(at)) ?? []
      if (whole === undefined) source += '\\['
      else {
        source += `[${not}${inner!.replace(/[[&~]/g, '\\$&')}]`
        at += whole.length - 1
      }
    } else source += escaped(character)
  }
  try {
    return new RegExp(`^${source}$`, 's')
  } catch {
    return new RegExp(`^${escaped(pattern)}$`, 's')
  }
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
