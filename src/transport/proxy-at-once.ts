import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Door } from '../call/door.ts'
import { AtOnce } from './at-once.ts'
import type { ConnectionFacts } from './connection.ts'
import { originOf } from './proxy-target.ts'
import type { Inside } from './proxy-target.ts'

/** Spellings of origins that are remembered. */
const knownLimit = 256

/** The short way through a proxy, for what the mesh can answer without waiting. */
export class ProxiedAtOnce {
  readonly #caller: string
  readonly #atOnce: AtOnce
  /** Services by what stands before the path, as clients write it: so that it is read only once. */
  readonly #known = new Map<string, string>()
  /** Stops listening to services that come and go. */
  readonly close: () => void

  constructor(door: Door, caller: string) {
    this.#caller = caller
    this.#atOnce = new AtOnce(door)
    this.close = door.onOriginsChange(() => this.#known.clear())
  }

  /** The target of a request, in full, that was found to be for this service. */
  remember(target: string, callee: string): void {
    const end = endOfOrigin(target)
    if (end > 0 && this.#known.size < knownLimit) this.#known.set(target.slice(0, end), callee)
  }

  /** Whether the request was answered; if not, nothing has happened yet. */
  answer(
    request: IncomingMessage,
    response: ServerResponse,
    inside: Inside | undefined,
    { protocol, isSecure }: ConnectionFacts,
  ): boolean {
    const { url = '', headers } = request
    // HTTP/2 answers otherwise; and what is meant for the proxy has to be taken out.
    if (protocol !== 'http/1.1' || headers['proxy-connection'] !== undefined) return false
    if (headers['proxy-authorization'] !== undefined) return false
    const end = inside ? 0 : endOfOrigin(url)
    if (end < 0 || url[end] !== '/') return false
    // What does not say the same has to be put right.
    if (!inside && !url.startsWith(`//${headers.host}/`, url.indexOf('/'))) return false
    const base = inside ? originOf(inside.to, isSecure) : url.slice(0, end)
    const callee = inside ? inside.callee : this.#known.get(base)
    if (callee === undefined) return false
    const at = { origin: 'proxy', path: url.slice(end), base } as const
    return this.#atOnce.answer(request, response, { caller: this.#caller, callee }, at)
  }
}

/** Where the path begins in a target that is named in full. */
const endOfOrigin = (target: string): number => target.indexOf('/', 'https://'.length)
