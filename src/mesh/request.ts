import { headerList } from '../call/call.ts'
import type { Door, Incoming } from '../call/door.ts'
import type { Reply } from '../call/reply.ts'
import { MeshError } from '../errors.ts'
import { describeValue } from '../nearest.ts'
import { refuseUnknown } from '../topology/checks.ts'

export interface CallInit {
  /** Default GET, or POST when there is a body. */
  method?: string
  headers?: Record<string, string>
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it is. */
  body?: string | Uint8Array
  signal?: AbortSignal
}

/** Turns a reply into what `fetch` would give; throws what it would throw. */
export type Respond = (reply: Reply, request: { readonly url: string; readonly method: string }) => Response

interface Where extends Pick<Incoming, 'caller' | 'callee' | 'origin' | 'path' | 'url' | 'parent'> {
  /** Trace headers, unless the request brings its own. */
  readonly trace?: Incoming['headers']
}

/** Sends a request of `mesh.call` or `call` into the mesh. Whoever gives up hears its own reason, as from `fetch`. */
export async function send(door: Door, init: CallInit, where: Where, respond: Respond): Promise<Response> {
  if (typeof init !== 'object' || init === null)
    throw invalid(`expected an object of options, got ${describeValue(init)}`)
  refuseUnknown(init, ['method', 'headers', 'json', 'body', 'signal'], { owner: 'call', key: '' })
  const incoming = incomingFrom(init, where)
  const reply = await door.enter(incoming)
  if (reply.outcome !== 'answered' && incoming.signal?.aborted) throw incoming.signal.reason
  return respond(reply, incoming)
}

const encoder = new TextEncoder()

function incomingFrom({ method, headers = {}, json, body, signal }: CallInit, where: Where): Incoming {
  const { trace = [], ...place } = where
  if (typeof place.path !== 'string' || !place.path.startsWith('/'))
    throw invalid(`expected the path to start with "/", got ${describeValue(place.path)}`)
  if (json !== undefined && body !== undefined) throw invalid('give `json` or `body`, not both')
  if (body !== undefined && typeof body !== 'string' && !ArrayBuffer.isView(body))
    throw invalid(`expected \`body\` to be a string or a Uint8Array, got ${describeValue(body)}`)
  if (method !== undefined && !(typeof method === 'string' && token.test(method)))
    throw invalid(`expected \`method\` to be a method of HTTP, got ${describeValue(method)}`)
  if (typeof headers !== 'object' || headers === null)
    throw invalid(`expected \`headers\` to be an object, got ${describeValue(headers)}`)
  if (signal !== undefined && signal !== null && typeof signal.addEventListener !== 'function')
    throw invalid(`expected \`signal\` to be an AbortSignal, got ${describeValue(signal)}`)
  const list = [...headerList(headers)]
  checkHeaders(list)
  const has = (name: string) => list.some(([key]) => key === name)
  const bytes = bytesOf(json, body)
  if (json !== undefined && !has('content-type')) list.push(['content-type', 'application/json'])
  if (!has('traceparent')) list.push(...trace)
  return {
    ...place,
    method: (method ?? (bytes ? 'POST' : 'GET')).toUpperCase(),
    headers: list,
    body: bytes,
    ...(signal && { signal }),
  }
}

function checkHeaders(list: Incoming['headers']): void {
  try {
    const headers = new Headers()
    for (const [name, value] of list) headers.append(name, value)
  } catch (error) {
    throw invalid((error as Error).message)
  }
}

const token = /^[!#$%&'*+.^_`|~\w-]+$/

function bytesOf(json: unknown, body: CallInit['body']): Uint8Array | null {
  if (json !== undefined) return encoder.encode(jsonText(json))
  return typeof body === 'string' ? encoder.encode(body) : (body ?? null)
}

function jsonText(value: unknown): string {
  let problem = 'JSON cannot carry it'
  try {
    const text = JSON.stringify(value) as string | undefined
    if (text !== undefined) return text
  } catch (error) {
    problem = (error as Error).message
  }
  throw invalid(`expected \`json\` to be a value that JSON can carry, got ${describeValue(value)}: ${problem}`)
}

const invalid = (problem: string) => new MeshError('MESH_INVALID_OPTION', `call: ${problem}`)
