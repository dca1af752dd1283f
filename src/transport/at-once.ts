import { STATUS_CODES } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { BareRequest, Door } from '../call/door.ts'
import { failed, localReply } from '../call/reply.ts'
import type { AnsweredReply } from '../call/reply.ts'
import { isStreamed } from '../call/body.ts'
import { answer as whole } from './http-answer.ts'

/** A reply as it goes over the wire, made once for all the times it is sent. */
interface Rendered {
  readonly status: number
  readonly statusText: string
  readonly lines: string[]
  /** Text goes out in one piece with the head; `undefined` without a body. */
  readonly body: string | Uint8Array | undefined
}

/**
 * Answers a request in the turn in which it came, if the mesh can: no promise, no signal, no copy of the body. Returns
 * whether it did; if not, nothing has happened yet.
 */
export class AtOnce {
  readonly #door: Door
  readonly #rendered = new WeakMap<AnsweredReply, Rendered>()

  constructor(door: Door) {
    this.#door = door
  }

  /** `at` tells where the request came in and what it is for, unless that stands in it as in any request to a server. */
  answer(
    request: IncomingMessage,
    response: ServerResponse,
    { caller, callee }: { caller: string; callee: string },
    at?: Pick<BareRequest, 'origin' | 'path' | 'base'>,
  ): boolean {
    const { method = 'GET', url = '/', headers, rawHeaders } = request
    if (hasBody(headers) || headers.upgrade !== undefined || headers.host === undefined) return false
    const { origin, path, base } = at ?? { origin: 'listener', path: url, base: `http://${headers.host}` }
    const reply = this.#door.atOnce({ caller, callee, origin, method, path, rawHeaders, base })
    if (!reply) return false
    let rendered = this.#rendered.get(reply)
    if (!rendered) this.#rendered.set(reply, (rendered = render(reply)))
    const { status, statusText, lines, body } = rendered
    response.sendDate = false
    try {
      response.writeHead(status, statusText, lines)
    } catch (error) {
      // A script that no client could be shown is told as on the long way.
      this.#door.problem(error as Error)
      whole(localReply(failed('handler-failed', { message: (error as Error).message })), response)
      return true
    }
    response.end(body)
    return true
  }
}

const ascii = /^[\0-\x7f]*$/

const hasBody = (headers: IncomingMessage['headers']): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

function render({ status, statusText, headers, body }: AnsweredReply): Rendered {
  const bytes = body === null || isStreamed(body) || body.byteLength === 0 ? undefined : body
  const text = bytes && new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  const lines = headers.filter(([name]) => name !== 'transfer-encoding' && name !== 'keep-alive').flat()
  // Bytes that are no UTF-8 would not survive being text, nor would a head beyond ASCII that goes out in one piece with it.
  const isText = !text?.includes('\ufffd') && lines.every((part) => ascii.test(part))
  return { status, statusText: statusText || STATUS_CODES[status] || '', lines, body: isText ? text : bytes }
}
