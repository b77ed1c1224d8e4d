/** The names, each once, since each is a file's: of those that are there before, the later get numbers. */
export function distinctNames(names: readonly string[]): string[] {
  const taken = new Set<string>()
  return names.map((name) => {
    let free = name
    if (taken.has(name))
      for (let number = 2; taken.has(free) || names.includes(free); number++) free = `${name}-${number}`
    taken.add(free)
    return free
  })
}
