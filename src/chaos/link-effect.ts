import type { Leg } from '../call/connection.ts'
import { MeshError } from '../errors.ts'
import type { FaultBehaviour } from './fault.ts'

/** What a kind of fault does to bytes. */
export type LinkEffect =
  | { does: 'refuse' }
  | { does: 'reset' }
  | { does: 'close' }
  | { does: 'stall-after'; bytes: number; ms: number }
  | { does: 'stall'; legs: (caller: string, callee: string) => readonly Leg[] }
  | { does: 'delay'; ms: number; jitterMs: number; leg: Leg }
  | { does: 'pace'; bytesPerSecond: number; legs: readonly Leg[] }
  | { does: 'slice'; bytes: number; delayMs: number; legs: readonly Leg[] }
  | { does: 'limit'; bytes: number; leg: Leg; end: 'limited' | 'reset' }
  | { does: 'slow-close'; ms: number }

/** The faults that act on the connections of a byte service, by the name of the method that injects them. */
export const linkFaults = [
  'outage',
  'flap',
  'reset',
  'close',
  'hang',
  'stall',
  'partition',
  'loseReply',
  'latency',
  'bandwidth',
  'slice',
  'limit',
  'slowClose',
] as const

const both: readonly Leg[] = ['request', 'reply']
const legsOf = (leg: unknown): readonly Leg[] => (leg === undefined ? both : [leg as Leg])

/**
 * What a fault does to bytes, told from its kind and its plain options; undefined when it needs an HTTP message to act on.
 *
 * - A lost reply is one that TCP sends again once the network heals: its bytes are held, as those of a partition are.
 * - The latency of a call is that of one of its legs, hence so is that of bytes: a round trip becomes longer by `ms`.
 */
export function linkEffect(kind: string, options: Readonly<Record<string, unknown>>): LinkEffect | undefined {
  const number = (name: string) => (options[name] as number | undefined) ?? 0
  switch (kind) {
    case 'outage':
    case 'flap':
      return { does: 'refuse' }
    case 'reset':
      if (options['afterBytes'] !== undefined)
        return { does: 'limit', bytes: number('afterBytes'), leg: 'reply', end: 'reset' }
      return options['at'] === undefined ? { does: 'reset' } : undefined
    case 'close':
      return options['at'] === undefined ? { does: 'close' } : undefined
    case 'truncate':
      if (options['afterBytes'] === undefined) return undefined
      return { does: 'limit', bytes: number('afterBytes'), leg: 'reply', end: 'limited' }
    case 'stall':
      return {
        does: 'stall-after',
        bytes: number('afterBytes'),
        ms: (options['stallMs'] as number | undefined) ?? Infinity,
      }
    case 'hang':
      return { does: 'stall', legs: () => both }
    case 'lose-reply':
      return { does: 'stall', legs: () => ['reply'] }
    case 'partition':
      return { does: 'stall', legs: (caller) => partitioned(options, caller) }
    case 'latency':
      return {
        does: 'delay',
        ms: number('ms'),
        jitterMs: number('jitterMs'),
        leg: (options['leg'] as Leg | undefined) ?? 'request',
      }
    case 'bandwidth':
      return { does: 'pace', bytesPerSecond: number('kilobytesPerSecond') * 1_000, legs: legsOf(options['leg']) }
    case 'slice':
      return {
        does: 'slice',
        bytes: number('bytes'),
        delayMs: number('delayMs'),
        legs: legsOf(options['leg']),
      }
    case 'limit':
      return {
        does: 'limit',
        bytes: number('bytes'),
        leg: (options['leg'] as Leg | undefined) ?? 'reply',
        end: 'limited',
      }
    case 'slow-close':
      return { does: 'slow-close', ms: number('ms') }
    default:
      return undefined
  }
}

/** `to` loses what side `a` sends, `from` what side `b` sends; a caller on side `b` sends against the direction. */
function partitioned({ a, direction }: Readonly<Record<string, unknown>>, caller: string): readonly Leg[] {
  if (direction === undefined || direction === 'both') return both
  const isOutbound = (a as readonly string[]).includes(caller)
  return [isOutbound === (direction === 'to') ? 'request' : 'reply']
}

const linkOnly: ReadonlySet<string> = new Set(['slice', 'limit', 'slow-close'])

/** What faults may be injected where. Throws MESH_UNSUPPORTED, or what `resolve` throws for a name that is neither service nor edge. */
export function checkTarget(
  { kind, options, appliesTo }: FaultBehaviour,
  target: string,
  context: { carriesBytes(service: string): boolean; resolve(target: string): unknown },
): void {
  // The sides of a partition are services of any kind.
  if (appliesTo) return
  context.resolve(target)
  const isBytes = context.carriesBytes(target.split('->').at(-1)!)
  if (isBytes && !linkEffect(kind, options)) throw unsupportedOnBytes(kind, target)
  if (!isBytes && linkOnly.has(kind)) throw unsupportedOnCalls(kind, target)
}

const instead: Readonly<Record<string, string>> = {
  truncate: 'To cut a reply short, write chaos.limit(target, { bytes }).',
  reset: 'Say after how many bytes of the reply: chaos.reset(target, { afterBytes }).',
  'slow-body': 'For small pieces write chaos.slice(target, { bytes, delayMs }).',
  'packet-loss': 'For late bytes write chaos.latency(target, { ms, jitterMs }).',
}

function unsupportedOnBytes(kind: string, target: string): MeshError {
  return new MeshError(
    'MESH_UNSUPPORTED',
    `chaos.${kind}: "${target}" carries bytes (tcp: true), and this fault needs an HTTP message to act on`,
    {
      details: [`Faults for bytes: ${linkFaults.join(', ')}`],
      fix: instead[kind],
    },
  )
}

function unsupportedOnCalls(kind: string, target: string): MeshError {
  return new MeshError(
    'MESH_UNSUPPORTED',
    `chaos.${kind}: "${target}" speaks HTTP, and this fault acts on the bytes of a service with tcp: true`,
    { fix: 'For calls there are latency, abort, reset, truncate, hang and others.' },
  )
}
