import type { Journal } from '../src/journal/journal.ts'
import type { Subject } from '../src/journal/subject.ts'
import type { MatcherResult, MatcherState } from './matcher.ts'
import { formatMs } from '../src/verdict/evidence.ts'
import { check, milliseconds } from './expected.ts'

export interface EventuallyOptions {
  /** Milliseconds to wait at most: virtual ones where the mesh's time is virtual. Default: the runner's limit, else 1000. */
  withinMs?: number
}

/** The arguments of a matcher, then the options; options alone may stand where the last argument may be left out. */
export type EventuallyArguments<A extends unknown[]> =
  | [...A, options?: EventuallyOptions]
  | (Required<A> extends [...infer Head, object]
      ? Head extends A
        ? [...Head, options: EventuallyOptions]
        : never
      : never)

type Matcher<R extends Subject, A extends unknown[]> = (this: MatcherState, received: R, ...args: A) => MatcherResult
type Twin<R extends Subject, A extends unknown[]> = (
  this: MatcherState,
  received: R,
  ...args: EventuallyArguments<A>
) => Promise<MatcherResult>

interface TwinDescription {
  /** How many arguments the matcher takes after the received value. */
  readonly takes: number
  /** Whether the matcher's own last argument has a `withinMs`: then that is not taken for options, but is the default wait. */
  readonly ownLimit?: boolean
}

const defaultWaitMs = 1000
/** Past this Node's timers fire at once. */
const longestTimerMs = 2 ** 31 - 1

// Captured when the module is loaded: a test's fake timers must not stop an assertion from ending.
const { setTimeout: startTimer, clearTimeout: stopTimer } = globalThis

interface Waiting {
  /** The assertion as its failure begins: `expect(edge a->b).toEventuallyHaveCallCount(1)`. */
  title(): string
  /** Leaves the assertion undecided for good. */
  drop(): void
}

// Says nothing about meshes that live: an entry goes with its journal.
const waiting = new WeakMap<Journal, Set<Waiting>>()

/**
 * The assertions on this mesh that still wait. When the test's code has ended, nobody awaits them: they are given up here, for
 * their rejection would otherwise reach nobody, or blame whichever test runs by then.
 */
export function unawaited(journal: Journal): string[] {
  return [...(waiting.get(journal) ?? [])].map((one) => {
    one.drop()
    return one.title()
  })
}

/** The waiting twin's name: `toHaveRetried` becomes `toEventuallyHaveRetried`. */
export type EventuallyName<N extends string> = N extends `to${infer Rest}` ? `toEventually${Rest}` : never

/**
 * Derives the waiting twin of a matcher: it asks the matcher again after each new entry of the journal, until it holds (with
 * `.not`: until it no longer does), the time is up, or the mesh has stopped. Nothing is polled, and nothing is left behind.
 */
export function eventually<R extends Subject, A extends unknown[]>(
  name: `toEventually${string}`,
  matcher: Matcher<R, A>,
  description: TwinDescription,
): Twin<R, A> {
  return async function (this: MatcherState, received: R, ...given: EventuallyArguments<A>): Promise<MatcherResult> {
    const { isNot = false, timeout } = this ?? {}
    const { args, options } = split<A>(name, given, description)
    const ask = (waited = '') =>
      matcher.call({ ...(isNot && { isNot }), twin: { name, options, waited } }, received, ...args)
    // The first question also refuses a wrong receiver and wrong expectations, before anything is waited for.
    const first = ask()
    if (first.pass !== isNot) return first
    const withinMs = options[0]?.withinMs ?? (description.ownLimit ? ownLimit(args) : undefined)
    return wait(received, withinMs ?? (timeout || defaultWaitMs), (waited) => ask(waited), isNot)
  }
}

/** Takes the options off the end. Options without the arguments before them are told by their one key. */
function split<A extends unknown[]>(
  name: string,
  given: readonly unknown[],
  { takes, ownLimit: hasOwnLimit }: TwinDescription,
): { args: A; options: EventuallyOptions[] } {
  const last = given.at(-1)
  const isAlone = given.length > 0 && given.length <= takes && !hasOwnLimit && isOptions(last)
  const place = isAlone ? given.length - 1 : takes
  const options = given[place]
  if (options !== undefined) check(name, options, { withinMs: milliseconds })
  // The runner hands over what the types allowed; the matcher checks each argument itself.
  return { args: given.slice(0, place) as A, options: options === undefined ? [] : [options as EventuallyOptions] }
}

const isOptions = (value: unknown): value is EventuallyOptions =>
  typeof value === 'object' && value !== null && Object.keys(value).join() === 'withinMs'

const ownLimit = (args: readonly unknown[]): number | undefined => {
  const last = args.at(-1)
  return isOptions(last) ? last.withinMs : undefined
}

function wait(
  { journal, clock }: Subject,
  withinMs: number,
  ask: (waited: string) => MatcherResult,
  isNot: boolean,
): Promise<MatcherResult> {
  if (journal.entries.at(-1)?.type === 'mesh.stopped')
    return Promise.resolve(ask('Did not wait: the mesh has stopped, nothing more will happen.'))
  return new Promise((resolve, reject) => {
    const undos: (() => void)[] = []
    const leave = () => {
      for (const undo of undos.splice(0)) undo()
    }
    const settle = (waited: string | undefined) => {
      try {
        const result = ask(waited ?? '')
        if (waited === undefined && result.pass === isNot) return
        resolve(result)
      } catch (error) {
        // A predicate of the test's author may throw; the mesh, which is writing its journal, must not see that.
        reject(error)
      }
      leave()
    }
    const isVirtual = clock.mode === 'virtual'
    const atEnd = () => settle(`Waited ${formatMs(withinMs)}${isVirtual ? " of the mesh's virtual time" : ''}.`)
    const all = waiting.get(journal) ?? new Set<Waiting>()
    waiting.set(journal, all)
    const own: Waiting = { title: () => ask('').message().split('\n', 1)[0]!, drop: leave }
    all.add(own)
    undos.push(
      () => all.delete(own),
      journal.subscribe(({ type }) => settle(type === 'mesh.stopped' ? 'Waited until the mesh stopped.' : undefined)),
      isVirtual ? clock.timer(withinMs, atEnd) : realTimer(withinMs, atEnd),
    )
  })
}

function realTimer(ms: number, fire: () => void): () => void {
  const timer = startTimer(fire, Math.min(ms, longestTimerMs))
  return () => stopTimer(timer)
}
