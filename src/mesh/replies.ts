import type { AnsweredReply } from '../call/reply.ts'
import { replyDelayMs, replyFrom } from '../call/reply-spec.ts'
import { PathTree } from '../routing/path-tree.ts'
import { matchRoute } from '../topology/route.ts'
import type { Route } from '../topology/route.ts'
import type { ReplySpec } from '../topology/options.ts'

/** Requests remembered with the script that takes them; past it they are all forgotten and found again. */
const memoryLimit = 1_000

interface Sequence {
  readonly route: Route
  readonly text: string
  /** Made once, for a script may answer thousands of times. */
  readonly replies: readonly ScriptedReply[]
  /** Later scripts go first. */
  readonly order: number
  taken: number
}

export interface ScriptedReply {
  readonly route: string
  readonly reply: AnsweredReply
  readonly delayMs: number
}

/** Answers that a test scripts for a service: in turn, the last one stays. They go before any handler. */
export class ReplySequences {
  #sequences: Sequence[] = []
  /** Those of plain paths and parameters; the others, with a trailing `*`, are asked one by one. */
  #tree = new PathTree<Sequence>()
  #open: Sequence[] = []
  readonly #memory = new Map<string, Sequence | undefined>()
  #set = 0

  /** A later script for the same route takes the place of an earlier one. */
  set(route: Route, text: string, replies: readonly ReplySpec[]): void {
    const made = replies.map((spec) => ({ route: text, reply: replyFrom(spec), delayMs: replyDelayMs(spec) }))
    const isSame = (other: Sequence) => other.route.method === route.method && other.route.path === route.path
    const sequence: Sequence = { route, text, replies: made, order: this.#set++, taken: 0 }
    const isKnown = this.#sequences.some(isSame)
    this.#sequences = [sequence, ...(isKnown ? this.#sequences.filter((other) => !isSame(other)) : this.#sequences)]
    if (isKnown) this.#sort(this.#sequences)
    else this.#sort([sequence])
    this.#memory.clear()
  }

  /** The answer to this request, which then counts as given. */
  take(method: string, path: string): ScriptedReply | undefined {
    const sequence = this.#find(method, path)
    if (!sequence) return undefined
    return sequence.replies[Math.min(sequence.taken++, sequence.replies.length - 1)]
  }

  /** The answer that `take` would give. */
  peek(method: string, path: string): ScriptedReply | undefined {
    const sequence = this.#find(method, path)
    return sequence?.replies[Math.min(sequence.taken, sequence.replies.length - 1)]
  }

  /** Changes with each script. */
  get version(): number {
    return this.#set
  }

  get isEmpty(): boolean {
    return this.#sequences.length === 0
  }

  get routes(): string[] {
    return this.#sequences.map(({ text }) => text)
  }

  #find(method: string, path: string): Sequence | undefined {
    if (this.isEmpty) return undefined
    const key = `${method} ${path}`
    const known = this.#memory.get(key)
    if (known || this.#memory.has(key)) return known
    const end = path.search(/[?#]/)
    const found = this.#tree
      .find(end === -1 ? path : path.slice(0, end))
      .concat(this.#open)
      .filter(({ route }) => matchRoute(route, method, path) !== undefined)
      .reduce<Sequence | undefined>((first, other) => (first && first.order > other.order ? first : other), undefined)
    if (this.#memory.size >= memoryLimit) this.#memory.clear()
    this.#memory.set(key, found)
    return found
  }

  /** Into the tree what it can hold; all of them, or those that are new. */
  #sort(sequences: readonly Sequence[]): void {
    if (sequences === this.#sequences) {
      this.#tree = new PathTree()
      this.#open = []
    }
    for (const sequence of sequences) {
      const { path } = sequence.route
      // An empty segment counts in a route and not in the tree; such a route is rare enough to be asked each time.
      const isOpen = path.endsWith('*') || /\/\/./.test(path)
      if (isOpen) this.#open.push(sequence)
      else this.#tree.add(path, sequence)
    }
  }
}
