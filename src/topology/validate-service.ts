import { edgeOptions } from './validate-edge.ts'
import { originUrl } from './address.ts'
import type { ServiceOptions } from './options.ts'
import { checkTcpService, tcpAddress } from './tcp.ts'
import {
  boolean,
  integer,
  isPlainObject,
  kinds,
  number,
  oneOf,
  options,
  pathOf,
  recordOf,
  text,
  unexpected,
  type Check,
} from './checks.ts'

const distribution = kinds(
  {
    constant: { ms: number({ atLeast: 0 }) },
    uniform: { minMs: number({ atLeast: 0 }), maxMs: number({ atLeast: 0 }) },
    normal: { meanMs: number({ atLeast: 0 }), deviationMs: number({ atLeast: 0 }) },
    lognormal: { medianMs: number({ above: 0 }), p99Ms: number({ above: 0 }) },
    exponential: { meanMs: number({ above: 0 }) },
  },
  { fix: 'Write milliseconds, or use constant(), uniform(), normal(), lognormal() or exponential().' },
)

const responseTime: Check = (value, place) => {
  if (typeof value === 'number') return number({ atLeast: 0 })(value, place)
  distribution(value, place)
  const given = value as { minMs?: number; maxMs?: number; medianMs?: number; p99Ms?: number }
  const owner = pathOf(place)
  if (given.minMs !== undefined && given.maxMs !== undefined && given.maxMs < given.minMs)
    throw unexpected({ owner, key: 'maxMs' }, `a number >= minMs (${given.minMs})`, given.maxMs)
  if (given.medianMs !== undefined && given.p99Ms !== undefined && given.p99Ms < given.medianMs)
    throw unexpected({ owner, key: 'p99Ms' }, `a number >= medianMs (${given.medianMs})`, given.p99Ms)
}

/**
 * MSW's handlers are known by their methods, not by their classes: there may be several copies of msw, inside and outside
 * of a test runner's sandbox.
 */
export const handler: Check = (value, place) => {
  if (typeof value === 'object' && value !== null && 'run' in value && typeof value.run === 'function') return
  throw unexpected(place, 'an MSW handler', value, { fix: handlerFix(value) })
}

function handlerFix(value: unknown): string {
  if (typeof value === 'function') return "Give it a route: http.get('/items/:id', resolver)."
  if (Array.isArray(value)) return 'Spread the array: handlers: [...more].'
  if (Object.prototype.toString.call(value) === '[object Response]')
    return "Return it from a handler: http.get('/items/:id', () => HttpResponse.json({...}))."
  return "Make one with http.get('/items/:id', resolver), http.post(...) and so on."
}

const handlers: Check = (value, place) => {
  if (!Array.isArray(value))
    throw unexpected(place, 'an array of MSW handlers', value, {
      fix: isHandlerLike(value) ? 'Put the handler into an array: handlers: [handler].' : undefined,
    })
  value.forEach((each, index) => handler(each, { owner: place.owner, key: `${place.key}[${index}]` }))
}

const isHandlerLike = (value: unknown): boolean => typeof value === 'object' && value !== null && 'run' in value

const calls: Check = (value, place) => {
  if (Array.isArray(value) || typeof value === 'string') {
    const names: unknown[] = Array.isArray(value) ? value : [value]
    const written = names.map((name) => `${String(name)}: {}`).join(', ')
    throw unexpected(place, 'a plain object of edge options by callee', value, { fix: `Write calls: { ${written} }.` })
  }
  recordOf(edgeOptions, 'edge options by callee')(value, place)
}

const known = (upstream: Check) =>
  options(
    {
      underTest: boolean,
      url: originUrl,
      calls,
      handlers,
      responseTime,
      requestBodies: oneOf('whole', 'streamed'),
      instances: integer({ atLeast: 1, atMost: 1_000 }),
      sidecar: boolean,
      upstream,
      tcp: boolean,
      metadata: recordOf(text, 'strings'),
    },
    { fix: 'Write {} for a service that answers 200.' },
  )

const ofHttp = known(originUrl)
const ofBytes = known(tcpAddress)

/** Checks {@link ServiceOptions}, all but whether the callees exist. */
export const serviceOptions: Check = (value, place) => {
  const { tcp, upstream } = (isPlainObject(value) ? value : {}) as { tcp?: unknown; upstream?: unknown }
  const isBytes = tcp === true || (tcp === undefined && typeof upstream === 'string' && upstream.startsWith('tcp:'))
  ;(isBytes ? ofBytes : ofHttp)(value, place)
  checkTcpService(value as ServiceOptions, place)
}
