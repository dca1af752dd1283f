import type { WorldLimits } from './world-options.ts'

/** What a world's clock stands still for, and what it cannot wait for but should name when the world is stuck. */
export class OutsideWork {
  /** In words, each kind of thing that does not follow the clock. */
  readonly seen = new Set<string>()
  readonly #realIo = new Set<object>()
  readonly #holds = new Map<object, string>()
  #moves = 0

  /** Grows with whatever shows that a world which waits is getting on. */
  get moves(): number {
    return this.#moves
  }

  get isUnderWay(): boolean {
    return this.#realIo.size > 0 || this.#holds.size > 0
  }

  move(): void {
    this.#moves++
  }

  /** Real I/O began; the returned function says that it has ended. */
  begin(kind: string): () => void {
    this.seen.add(`real I/O (${kind})`)
    const token = {}
    this.#realIo.add(token)
    this.move()
    return () => {
      if (this.#realIo.delete(token)) this.move()
    }
  }

  /** Something is on its way inside the process; the returned function says that it has arrived. */
  hold(kind: string): () => void {
    const token = {}
    this.#holds.set(token, kind)
    this.move()
    return () => {
      if (this.#holds.delete(token)) this.move()
    }
  }

  /** Why nobody should wait any longer, after `waitedMs` real milliseconds without a move. */
  overdue(waitedMs: number, { maxRealIoMs, maxHoldMs }: WorldLimits): { what: string; fix: string } | undefined {
    if (this.#realIo.size > 0) {
      if (waitedMs <= maxRealIoMs) return
      return {
        what: `real I/O has not answered within maxRealIoMs: ${maxRealIoMs}`,
        fix: 'The clock stands while real I/O of the scenario is under way.',
      }
    }
    if (this.#holds.size === 0 || waitedMs <= maxHoldMs) return
    return {
      what: `held up by ${[...new Set(this.#holds.values())].join(', ')}, without progress for maxHoldMs: ${maxHoldMs}`,
      fix: 'The clock stands while a request or a reply is on its way; is a body left unread?',
    }
  }
}
