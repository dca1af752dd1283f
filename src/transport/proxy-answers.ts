import { STATUS_CODES } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Door } from '../call/door.ts'
import { unknownHost } from './proxy-target.ts'
import type { Named } from './proxy-target.ts'

/** An answer of the proxy itself. */
interface Told {
  readonly status: number
  readonly outcome: string
  readonly text: string
}

export const unknown = (door: Door, to: Named): Told => ({
  status: 502,
  outcome: 'unknown-host',
  text: unknownHost(door, to),
})

export const unreachable = ({ host, port }: Named, { message }: Error): Told => ({
  status: 502,
  outcome: 'unreachable',
  text: `meshwright: ${host}:${port} could not be reached: ${message}\n`,
})

export const loop = ({ host, port }: Named): Told => ({
  status: 508,
  outcome: 'loop',
  text: `meshwright: ${host}:${port} is this proxy itself.\n`,
})

export const malformed = (authority: string): Told => ({
  status: 400,
  outcome: 'malformed',
  text: `meshwright: CONNECT takes host:port, got ${JSON.stringify(authority.slice(0, 100))}.\n`,
})

export const notForProxies = (door: Door, caller: string): Told => ({
  status: 400,
  outcome: 'malformed',
  text: `meshwright: this is the proxy of ${caller} in the mesh "${door.name}". Send it requests as to a proxy: curl -x <this address> ${door.origins()[0] ?? ''}/\n`,
})

function headersOf({ outcome, text }: Told): Record<string, string> {
  return {
    'x-mesh-outcome': outcome,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    connection: 'close',
  }
}

export function answer(response: ServerResponse, told: Told): void {
  response.sendDate = false
  response.writeHead(told.status, headersOf(told)).end(told.text)
}

/** What most clients show of a tunnel that they did not get is its reason phrase, and nothing else. */
function reasonOf({ status, text }: Told): string {
  if (status !== 502) return STATUS_CODES[status]!
  const sentences = text.split('\n').slice(0, 2).join(' ').trim()
  return `${STATUS_CODES[status]} (${sentences.replace(/[^\x20-\x7e]/g, '?').slice(0, 500)})`
}

export function tell(stream: Duplex, told: Told): void {
  const lines = Object.entries(headersOf(told)).map(([name, value]) => `${name}: ${value}\r\n`)
  stream.end(`HTTP/1.1 ${told.status} ${reasonOf(told)}\r\n${lines.join('')}\r\n${told.text}`)
  // Nobody reads on: what the client still sends must not keep the connection.
  stream.resume()
}
