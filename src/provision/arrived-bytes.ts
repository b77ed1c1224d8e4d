/** Which bytes of a file are there, when they come from several places at once: how far it is whole from its start. */
export class ArrivedBytes {
  /** All before it is there. */
  prefix = 0
  /** Pieces behind the prefix, as many as there are writers. */
  readonly #beyond: { start: number; end: number }[] = []

  add(start: number, end: number): void {
    if (start <= this.prefix) this.#reach(end)
    else {
      const touching = this.#beyond.find((piece) => piece.start <= start && start <= piece.end)
      if (touching === undefined) this.#beyond.push({ start, end })
      else touching.end = Math.max(touching.end, end)
    }
  }

  /** Nothing at `size` or behind it is there any more. */
  cut(size: number): void {
    this.prefix = Math.min(this.prefix, size)
    this.#beyond.length = 0
  }

  #reach(end: number): void {
    this.prefix = Math.max(this.prefix, end)
    for (let at = 0; at >= 0; ) {
      at = this.#beyond.findIndex((piece) => piece.start <= this.prefix)
      if (at >= 0) this.prefix = Math.max(this.prefix, this.#beyond.splice(at, 1)[0]!.end)
    }
  }
}
