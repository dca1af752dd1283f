import { MeshError } from '../errors.ts'
import { describeValue, didYouMean } from '../nearest.ts'

/** A method and a path pattern, or a path pattern for any method. */
export interface Route {
  /** In upper case. Absent: any method. */
  readonly method?: string
  /** `/items/:id`, `/files/*`: `:name` takes one segment, a trailing `*` any rest, also none. */
  readonly path: string
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/**
 * Reads a route: `'POST /charges'`, `'GET /items/:id'`, or `'/charges'` for any method.
 *
 * @throws MeshError MESH_INVALID_OPTION when it is none, with what to write instead
 */
export function parseRoute(route: string): Route {
  const refuse = (problem: string, fix = 'Write it as "POST /charges", "GET /items/:id" or "/charges".') =>
    new MeshError('MESH_INVALID_OPTION', `Route ${describeValue(route)}: ${problem}`, { fix })

  if (typeof route !== 'string') throw refuse('expected a string.')
  const parts = route.trim().split(/\s+/)
  if (parts.length > 2 || parts[0] === '') throw refuse('expected a method and a path, or a path.')
  const path = parts.pop()!
  const method = parts[0]?.toUpperCase()
  if (method !== undefined && !methods.includes(method))
    throw refuse(`unknown method "${method}".${didYouMean(method, methods)}`, `Methods: ${methods.join(', ')}.`)
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(path)) {
    const rest = URL.canParse(path) ? new URL(path).pathname : '/'
    throw refuse(
      'expected a path, not a URL.',
      `The service is known already: write "${[method, rest].filter(Boolean).join(' ')}".`,
    )
  }
  if (!path.startsWith('/')) {
    const fix = methods.includes(path.toUpperCase())
      ? `For every path write "${path.toUpperCase()} /*".`
      : `Write "${[method, `/${path}`].filter(Boolean).join(' ')}".`
    throw refuse('the path has to begin with "/".', fix)
  }
  if (/[?#]/.test(path))
    throw refuse('expected a path without query and fragment.', 'A route matches whatever the query is.')
  checkSegments(segmentsOf(path), refuse)
  return method === undefined ? { path } : { method, path }
}

function checkSegments(segments: readonly string[], refuse: (problem: string) => MeshError): void {
  const names = new Set<string>()
  segments.forEach((segment, index) => {
    if (segment === '*' && index === segments.length - 1) return
    if (segment.includes('*')) throw refuse('"*" may only be the last segment.')
    if (!segment.startsWith(':')) return
    const name = segment.slice(1)
    if (!/^[A-Za-z_]\w*$/.test(name)) throw refuse(`"${segment}" is no parameter, which is ":" and a name.`)
    if (names.has(name)) throw refuse(`the parameter ":${name}" stands twice.`)
    names.add(name)
  })
}

/** One slash at the end makes no difference. */
const segmentsOf = (path: string): string[] => path.replace(/^\//, '').replace(/\/$/, '').split('/')

/** A path may hold a percent sign that encodes nothing; then it stands for itself. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/**
 * The parameters of the path if a request takes this route, else undefined. A trailing `*` is the parameter `*`.
 * Case counts in paths, not in methods; the query and one slash at the end do not count; parameters are decoded.
 */
export function matchRoute(route: Route, method: string, path: string): { [name: string]: string } | undefined {
  if (route.method !== undefined && route.method !== method.toUpperCase()) return undefined
  const wanted = segmentsOf(route.path)
  const given = segmentsOf(path.replace(/[?#].*$/s, ''))
  const isOpen = wanted.at(-1) === '*'
  if (isOpen) wanted.pop()
  if (isOpen ? given.length < wanted.length : given.length !== wanted.length) return undefined
  const params: [string, string][] = []
  for (const [index, segment] of wanted.entries()) {
    const actual = given[index]!
    if (segment.startsWith(':')) {
      if (actual === '') return undefined
      params.push([segment.slice(1), decoded(actual)])
    } else if (segment !== actual && decoded(segment) !== decoded(actual)) return undefined
  }
  if (isOpen) params.push(['*', given.slice(wanted.length).map(decoded).join('/')])
  return Object.fromEntries(params)
}
