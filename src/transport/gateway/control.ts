import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isKey } from './key.ts'
import { path, readRegistration } from './protocol.ts'
import type { Roster } from './roster.ts'

const maxBodyBytes = 256 * 1024

export interface ControlOptions {
  readonly token: string
  /** The name of the gateway's definition. */
  readonly mesh: string
  readonly edges: readonly string[]
  readonly roster: Roster
}

/**
 * Where meshes register. `POST /meshes` is answered with the key of the mesh, and that answer does not end: its connection is
 * the lease of the mesh, which is gone with it, so a worker that is killed leaves nothing behind. `DELETE /meshes/<key>` ends
 * it in an orderly way.
 *
 * Only who knows the token gets in, and no page in a browser does: not from a foreign origin, and not through a name that was
 * made to lead to this machine.
 */
export function controlServer(options: ControlOptions): Server {
  const server = createServer((request, response) => {
    // A client that goes away while it is being answered is nobody's mistake.
    response.on('error', () => {})
    const { port } = server.address() as AddressInfo
    const refusal = refusalOf(request, port, options.token)
    if (refusal) return end(response, ...refusal)
    void serve(request, response, options)
  })
  return server
}

type Refusal = readonly [status: number, text: string]

function refusalOf({ headers }: IncomingMessage, port: number, token: string): Refusal | undefined {
  if (headers.host !== `127.0.0.1:${port}`)
    return [403, `The gateway is addressed as 127.0.0.1:${port} and nothing else.`]
  if (headers.origin !== undefined) return [403, 'The gateway serves no pages.']
  if (!isSame(headers.authorization ?? '', `Bearer ${token}`))
    return [401, 'This is not the token of this gateway: is MESHWRIGHT_GATEWAY of an earlier run?']
  return undefined
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

async function serve(request: IncomingMessage, response: ServerResponse, options: ControlOptions): Promise<void> {
  const { method, url = '/' } = request
  const { roster } = options
  const key = url.startsWith(`${path}/`) ? url.slice(path.length + 1) : undefined
  if (method === 'DELETE' && isKey(key)) {
    roster.remove(key)
    return end(response, 204)
  }
  if (method !== 'POST' || url !== path) return end(response, 404, `There is POST ${path} and DELETE ${path}/<key>.`)
  if (request.headers['content-type'] !== 'application/json') return end(response, 415, 'The body has to be JSON.')
  const body = await bodyOf(request)
  if (body === 'lost') return
  if (body === 'too long') return end(response, 413, `The body is longer than ${maxBodyBytes} bytes.`)
  const registration = readRegistration(body)
  if (typeof registration === 'string') return end(response, 400, registration)
  const { mesh, edges, isAskedFor } = registration
  const isOther = !isAskedFor && mesh !== options.mesh
  if (isOther || !options.edges.some((edge) => Object.hasOwn(edges, edge)))
    return end(
      response,
      409,
      `The gateway of "${options.mesh}" serves ${options.edges.join(', ')}, and the mesh "${mesh}" has ${isOther ? 'another name' : 'none of these edges'}.`,
    )
  if (response.destroyed) return
  const enrolled = roster.enrol(mesh, new Map(Object.entries(edges)))
  response.once('close', () => roster.remove(enrolled.key))
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  response.write(`${JSON.stringify({ key: enrolled.key })}\n`)
}

function bodyOf(request: IncomingMessage): Promise<string | 'lost' | 'too long'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBodyBytes) resolve('too long')
      else chunks.push(chunk)
    })
    request.once('end', () => resolve(Buffer.concat(chunks).toString()))
    request.once('error', () => resolve('lost'))
    request.once('close', () => resolve('lost'))
  })
}

function end(response: ServerResponse, status: number, text = ''): void {
  response.writeHead(status, { connection: 'close', ...(text && { 'content-type': 'text/plain; charset=utf-8' }) })
  response.end(text && `${text}\n`)
}
