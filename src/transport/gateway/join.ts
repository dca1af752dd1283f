import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { MeshError } from '../../errors.ts'
import type { Clock } from '../../time/clock.ts'
import { isKey, type Key } from './key.ts'
import { controlAddress, path, protocol, type ControlAddress, type Registration } from './protocol.ts'

/** The place of a mesh at a gateway. */
export interface Membership {
  readonly key: Key
  /** Resolves when the gateway sends nothing any more. Never rejects. Idempotent. */
  leave(): Promise<void>
}

export interface JoinOptions {
  /** The name of the mesh's definition. */
  readonly mesh: string
  /** The port of its listener for each edge. */
  readonly edges: Readonly<Record<string, number>>
  /** Who named the gateway: `startMesh`'s option, or the environment, which is meant for one definition and may be read by others. */
  readonly askedBy: 'option' | 'environment'
  /** Of the machine, for the limit of the wait. */
  readonly clock: Clock
  /** Called when the gateway goes away while the mesh runs. */
  onLost(error: MeshError): void
}

/** A gateway on this machine answers within milliseconds. */
const limitMs = 10_000
const variable = 'MESHWRIGHT_GATEWAY'

/**
 * Registers a mesh at a gateway. Undefined when the environment names a gateway of another definition.
 *
 * @throws MeshError MESH_INVALID_OPTION for an address that is none, MESH_GATEWAY when the gateway is not there or refuses
 */
export async function joinGateway(
  url: string,
  { mesh, edges, askedBy, clock, onLost }: JoinOptions,
): Promise<Membership | undefined> {
  const owner = askedBy === 'option' ? 'startMesh, option `gateway`' : variable
  const address = controlAddress(url, owner)
  const fail = (why: string, cause?: unknown) =>
    new MeshError('MESH_GATEWAY', `${owner}: the gateway at 127.0.0.1:${address.port} ${why}`, {
      fix: `Start it with startGateway() before the tests and close it after them; unset ${variable} to go without.`,
      ...(cause !== undefined && { cause }),
    })
  const registration: Registration = { protocol, mesh, edges, isAskedFor: askedBy === 'option' }
  const lease = send(address, 'POST', path, JSON.stringify(registration))
  let end = () => {}
  const limit = new Promise<never>((_, reject) => {
    end = clock.timer(limitMs, () => reject(fail(`has not answered within ${limitMs / 1_000} s`)))
  })
  try {
    const answer = await Promise.race([responseOf(lease, fail), limit])
    const text = await Promise.race([textOf(answer), limit])
    if (answer.statusCode === 409 && askedBy === 'environment') return undefined
    if (answer.statusCode !== 200) throw fail(`refuses the mesh: ${text.trim()}`)
    const { key } = JSON.parse(text) as { key?: unknown }
    if (!isKey(key)) throw fail('is none: its answer is not understood')
    // A forgotten stop() must not keep a script from ending.
    lease.socket?.unref()
    return membershipOf(address, lease, answer, key, () => onLost(fail('has closed while the mesh was running')))
  } catch (error) {
    lease.destroy()
    throw MeshError.is(error) ? error : fail('is none: its answer is not understood', error)
  } finally {
    end()
  }
}

function membershipOf(
  address: ControlAddress,
  lease: ClientRequest,
  answer: IncomingMessage,
  key: Key,
  lost: () => void,
): Membership {
  let left: Promise<void> | undefined
  answer.resume()
  answer.once('close', () => {
    if (!left) lost()
  })
  return {
    key,
    leave() {
      left ??= new Promise<void>((resolve) => {
        const leaving = send(address, 'DELETE', `${path}/${key}`)
        leaving.once('response', (response) => response.resume())
        // Without an answer the end of the lease says the same, a moment later.
        leaving.once('close', resolve)
      }).then(() => void lease.destroy())
      return left
    },
  }
}

function send({ port, token }: ControlAddress, method: string, to: string, body?: string): ClientRequest {
  const sent = request({
    host: '127.0.0.1',
    port,
    method,
    path: to,
    agent: false,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
  })
  // Told by what waits for the answer; later, by its end.
  sent.on('error', () => {})
  return sent.end(body)
}

function responseOf(sent: ClientRequest, fail: (why: string, cause: unknown) => MeshError): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('response', (response) => {
      response.on('error', () => {})
      resolve(response)
    })
    sent.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        fail(error.code === 'ECONNREFUSED' ? 'is not there: nothing listens' : `is not there: ${error.message}`, error),
      ),
    )
  })
}

/** The text of a refusal; of the lease, which does not end, its first line. */
function textOf(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\n')) resolve(text)
    })
    response.once('close', () => resolve(text))
  })
}
