import type { HeaderList } from '../../call/call.ts'
import { headerLine, parseTraceparent } from '../../call/trace-context.ts'
import { natives } from '../../time/natives.ts'

/** The member of `baggage` (W3C) that names the mesh of a request. */
const member = 'meshwright'

/** What names a mesh among those at a gateway: 8 lower-case hex digits. */
export type Key = string

export const isKey = (text: unknown): text is Key => typeof text === 'string' && /^[0-9a-f]{8}$/.test(text)

/** From the machine's entropy and not from the seed: two tests with the same seed may run at the same time. */
export const newKey = (): Key => randomHex().slice(0, 8)

/** What lets meshes in at a gateway: 122 bits that nobody guesses. */
export const newToken = (): string => natives.randomUUID()

/** 32 hex digits, of which a version 4 UUID leaves all but six bits to chance: those are not among the last 14 digits. */
const randomHex = () => natives.randomUUID().replaceAll('-', '')

/**
 * The headers that make a request, and what a service under test calls because of it, belong to the mesh with this key. Each
 * call gives a trace of its own. The flags say sampled, and (level 2) that the end of the trace id is random.
 */
export function keyHeaders(key: Key): { baggage: string; traceparent: string } {
  const traceId = key + randomHex().slice(8)
  return { baggage: `${member}=${key}`, traceparent: `00-${traceId}-${randomHex().slice(16)}-03` }
}

/** The headers with the key as a member of `baggage`, whatever else is in there. */
export function withKey(headers: HeaderList, key: Key): HeaderList {
  const others = headers.filter(([name]) => name === 'baggage').flatMap(([, value]) => value.split(','))
  const kept = others.map((text) => text.trim()).filter((text) => text !== '' && nameOf(text) !== member)
  return [...headers.filter(([name]) => name !== 'baggage'), ['baggage', [`${member}=${key}`, ...kept].join(',')]]
}

/** What a request says about the mesh that it belongs to. */
export interface Mark {
  /** What `baggage` says, whether a mesh has that key or not. */
  readonly named?: string
  /** The first 8 digits of the trace id, which are a mesh's key only if there is such a mesh. */
  readonly traced?: Key
}

export function markOf(headers: HeaderList): Mark {
  const baggage = headerLine(headers, 'baggage')?.split(',') ?? []
  const own = baggage.find((text) => nameOf(text) === member)
  const parsed = parseTraceparent(headerLine(headers, 'traceparent') ?? '')
  return {
    // Properties may follow a value, behind a semicolon.
    ...(own !== undefined && {
      named: decoded(
        own
          .slice(own.indexOf('=') + 1)
          .split(';', 1)[0]!
          .trim(),
      ),
    }),
    ...('context' in parsed && { traced: parsed.context.traceId.slice(0, 8) }),
  }
}

const nameOf = (text: string) => text.split('=', 1)[0]!.trim()

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
