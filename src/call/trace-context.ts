import type { HeaderList } from './call.ts'

/** What one service hands to the next: which trace, which span called, and what was decided about it. */
export interface TraceContext {
  /** 32 lower-case hex digits, never all zeroes. */
  readonly traceId: string
  /** The caller's span, 16 lower-case hex digits, never all zeroes. The specification calls it parent-id. */
  readonly spanId: string
  readonly flags: TraceFlags
  /** The members of `tracestate`, joined by commas; absent when there are none. */
  readonly state?: string
}

export interface TraceFlags {
  /** The caller may have recorded its span. */
  readonly sampled: boolean
  /** At least the right-most 7 bytes of the trace id are random (level 2). */
  readonly random: boolean
}

export interface Extracted {
  /** What a compliant service goes on with; absent when it has to start a new trace. */
  readonly context?: TraceContext
  /** The rule that a present `traceparent` breaks. A missing one is not a problem: it asks for a new trace. */
  readonly problem?: string
  /** The rule that `tracestate` breaks; the whole header is then dropped and `traceparent` kept. */
  readonly stateProblem?: string
}

const hexDigits = /^[0-9a-f]+$/
const zeroes = /^0+$/
const maxMembers = 32
// Level 2 of the specification: any of these may stand at any place but the first.
const stateKey = /^[a-z0-9][a-z0-9_\-*/@]{0,255}$/
// Printable ASCII without comma and equals sign, 1 to 256 characters, the last one not a space.
const stateValue = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

const trimmed = (text: string) => text.replace(/^[ \t]+|[ \t]+$/g, '')
const shown = (text: string) => JSON.stringify(text.length > 120 ? `${text.slice(0, 117)}...` : text)

type Parsed = { readonly context: TraceContext } | { readonly problem: string }

/** Reads the id field from `start`; gives the rule that it breaks, or undefined. */
function idProblem(name: string, id: string, digits: number): string | undefined {
  if (id.length !== digits || !hexDigits.test(id)) return `${name}: must be ${digits} lower-case hex digits`
  return zeroes.test(id) ? `${name}: must not be all zeroes` : undefined
}

/**
 * Reads one `traceparent` value after W3C Trace Context level 2. Version 00 is exactly 55 characters; a higher version
 * may go on after another hyphen and only its known parts are used; version ff is forbidden.
 */
export function parseTraceparent(value: string): Parsed {
  const text = trimmed(value)
  const broken = (rule: string): Parsed => ({ problem: `${rule} (traceparent ${shown(value)})` })
  const version = text.slice(0, 2)
  if (!/^[0-9a-f]{2}(-|$)/.test(text)) return broken('version: must be 2 lower-case hex digits and a hyphen')
  if (version === 'ff') return broken('version: ff is forbidden')
  if (version === '00' && text.slice(55).includes(','))
    return broken('one header: traceparent is not a list, the values of several headers were joined')

  const [, traceId = '', spanId = '', flags = ''] = text.split('-', 4)
  const problem =
    idProblem('trace-id', traceId, 32) ??
    idProblem('parent-id', spanId, 16) ??
    // What follows the flags is judged below, so that only the first two characters count here.
    (/^[0-9a-f]{2}/.test(flags) ? undefined : 'trace-flags: must be 2 lower-case hex digits')
  if (problem) return broken(problem)
  if (version === '00' && text.length !== 55)
    return broken(`version-format: version 00 has exactly 55 characters, not ${text.length}`)
  if (text.length > 55 && text[55] !== '-')
    return broken('versioning: after the flags a higher version goes on with a hyphen')

  const bits = parseInt(flags.slice(0, 2), 16)
  return { context: { traceId, spanId, flags: { sampled: (bits & 1) === 1, random: (bits & 2) === 2 } } }
}

/**
 * Reads `tracestate` lines as one list (RFC 9110, 5.3). One bad member, or more than 32, discards the whole header; of
 * members with the same key the first is kept; empty members are allowed and dropped.
 */
export function parseTracestate(values: readonly string[]): { readonly state?: string; readonly problem?: string } {
  const members = values
    .join(',')
    .split(',')
    .map(trimmed)
    .filter((member) => member !== '')
  if (members.length > maxMembers)
    return { problem: `tracestate: at most ${maxMembers} members are allowed, not ${members.length}` }
  const kept = new Map<string, string>()
  for (const member of members) {
    const equals = member.indexOf('=')
    const key = member.slice(0, Math.max(equals, 0))
    if (!stateKey.test(key)) return { problem: `tracestate key: ${shown(member)} does not start with a valid key` }
    if (!stateValue.test(member.slice(equals + 1)))
      return { problem: `tracestate value: ${shown(member)} does not hold a valid value` }
    if (!kept.has(key)) kept.set(key, member)
  }
  return kept.size === 0 ? {} : { state: [...kept.values()].join(',') }
}

/**
 * The trace context of a request, as a compliant service would read it (W3C Trace Context level 2): two `traceparent`
 * headers, or a malformed one, ask for a new trace, and a `tracestate` without a valid `traceparent` is discarded.
 */
export function extract(headers: HeaderList): Extracted {
  const parents = valuesOf(headers, 'traceparent')
  if (parents.length === 0) return {}
  if (parents.length > 1)
    return { problem: `one header: ${parents.length} traceparent headers arrived (${parents.map(shown).join(', ')})` }
  const parsed = parseTraceparent(parents[0]!)
  if ('problem' in parsed) return parsed
  const { state, problem } = parseTracestate(valuesOf(headers, 'tracestate'))
  return {
    context: state === undefined ? parsed.context : { ...parsed.context, state },
    ...(problem !== undefined && { stateProblem: problem }),
  }
}

/** The value of `traceparent` for this context: always version 00, only the two flags that are known. */
export function formatTraceparent({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-0${(flags.sampled ? 1 : 0) | (flags.random ? 2 : 0)}`
}

/** The headers with this trace context in place of any other. */
export function inject(headers: HeaderList, context: TraceContext): HeaderList {
  const rest = headers.filter(([name]) => !isTraceHeader(name))
  const state = context.state ? ([['tracestate', context.state]] as const) : []
  return [...rest, ['traceparent', formatTraceparent(context)], ...state]
}

/** Whether a header carries the trace context. */
export const isTraceHeader = (name: string): boolean => name === 'traceparent' || name === 'tracestate'

const valuesOf = (headers: HeaderList, name: string) =>
  headers.filter(([key]) => key === name).map(([, value]) => value)

/** The values of a header as one line, as the journal shows it; undefined when it is absent. */
export function headerLine(headers: HeaderList, name: string): string | undefined {
  const values = valuesOf(headers, name)
  return values.length === 0 ? undefined : values.join(', ')
}
