import { MeshError } from '../errors.ts'
import type { Entry } from '../journal/entry.ts'
import type { Subject } from '../journal/subject.ts'
import type { Verdict } from '../journal/verdict.ts'
import { matchRoute, parseRoute } from '../topology/route.ts'
import { counted, timeline } from './evidence.ts'
import { containsSubset } from './subset.ts'

/** A request as a predicate sees it. Header names are lower case; `body` is parsed when it was JSON. */
export interface ReceivedRequest {
  readonly method: string
  /** Path and query, as sent. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

export interface ReceivedExpectation {
  /** How many requests fit; each retry is a request of its own. Default: one at least. */
  times?: number
  /**
   * Which requests count: a part of the JSON body (objects may have more keys, lists not), or a predicate. Default: all on the
   * route.
   */
  matching?: object | ((request: ReceivedRequest) => boolean)
}

/** Whether requests on a route (`'POST /charges'`, `'GET /items/:id'`, or `/health` for any method) reached a service. */
export function received(subject: Subject, route: string, expected: ReceivedExpectation = {}): Verdict {
  const { times: wanted, matching } = expected
  const parsed = parseRoute(route)
  const all = subject.journal.where({ type: 'request.received', service: subject.name })
  const onRoute = all.filter(({ method, path }) => matchRoute(parsed, method, path) !== undefined)
  const fitting = matching === undefined ? onRoute : onRoute.filter((entry) => fits(entry, matching))
  // Requests on the route tell most about a wrong `matching`; when there are none, any request does.
  const shown = onRoute.length > 0 ? onRoute : all
  return {
    ok: wanted === undefined ? fitting.length > 0 : fitting.length === wanted,
    summary: [
      `${subject.name} received ${fitting.length || 'none'}`,
      ...(matching !== undefined && onRoute.length > 0 ? [` (of ${onRoute.length} on this route)`] : []),
      ...(onRoute.length === 0 && all.length > 0 ? [` (but ${counted(all.length, 'request')} on other routes)`] : []),
    ].join(''),
    evidence: timeline(
      shown.map((entry) => ({
        seq: entry.seq,
        t: entry.t,
        cells: [
          `${entry.method} ${entry.path}`,
          `from ${entry.edge.split('->')[0]}`,
          entry.attempt > 0 ? `retry ${entry.attempt}` : '',
          bodyText(entry.body),
          matching !== undefined && onRoute.length > 0 && !fitting.includes(entry) ? 'does not match' : '',
        ],
      })),
    ),
    ...(wanted !== undefined && { expected: wanted, actual: fitting.length }),
  }
}

function fits(
  { method, path, headers, body }: Entry<'request.received'>,
  matching: NonNullable<ReceivedExpectation['matching']>,
): boolean {
  if (typeof matching !== 'function') return containsSubset(body, matching)
  try {
    return Boolean((matching as (request: ReceivedRequest) => boolean)({ method, path, headers, body }))
  } catch (error) {
    throw new MeshError('MESH_INVALID_OPTION', `toHaveReceived: \`matching\` threw ${String(error)}`, {
      details: [`It was asked about ${method} ${path}.`],
      cause: error,
    })
  }
}

function bodyText(body: unknown): string {
  const text = body === undefined || body === null ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
