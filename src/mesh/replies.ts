import type { AnsweredReply } from '../call/reply.ts'
import { replyDelayMs, replyFrom } from '../call/reply-spec.ts'
import { matchRoute } from '../topology/route.ts'
import type { Route } from '../topology/route.ts'
import type { ReplySpec } from '../topology/options.ts'

interface Sequence {
  readonly route: Route
  readonly text: string
  readonly replies: readonly ReplySpec[]
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

  /** A later script for the same route takes the place of an earlier one. */
  set(route: Route, text: string, replies: readonly ReplySpec[]): void {
    this.#sequences = [
      { route, text, replies, taken: 0 },
      ...this.#sequences.filter((other) => other.route.method !== route.method || other.route.path !== route.path),
    ]
  }

  take(method: string, path: string): ScriptedReply | undefined {
    const sequence = this.#sequences.find(({ route }) => matchRoute(route, method, path) !== undefined)
    if (!sequence) return undefined
    const spec = sequence.replies[Math.min(sequence.taken++, sequence.replies.length - 1)]!
    return {
      route: sequence.text,
      reply: replyFrom(spec),
      delayMs: replyDelayMs(spec),
    }
  }

  clear(): void {
    this.#sequences = []
  }

  get routes(): string[] {
    return this.#sequences.map(({ text }) => text)
  }
}
