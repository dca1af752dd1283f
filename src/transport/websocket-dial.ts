import { WebSocket } from 'ws'
import type { Call, HeaderList } from '../call/call.ts'
import { failed } from '../call/reply.ts'
import type { Dialled } from '../call/reply.ts'
import { addressedTo, answeredFrom, failureFrom } from './upstream-answer.ts'
import { peerOf } from './websocket-peer.ts'

/** Said anew by each handshake. */
const ofHandshake = /^sec-websocket-/

/**
 * Opens the WebSocket of a call at a real service, with the headers and subprotocols that the client asked with. Frames are read
 * and written anew: messages stay what they are, pings are answered by whoever they reach first. Messages that come before
 * the socket is opened on the other side wait.
 */
export function dial(upstream: string, call: Call): Promise<Dialled> {
  const base = new URL(upstream)
  const { url, headers } = addressedTo(base, call)
  const protocols = (headers['sec-websocket-protocol'] ?? []).flatMap((list) =>
    list.split(',').map((one) => one.trim()),
  )
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !ofHandshake.test(name)))
  return new Promise((resolve) => {
    if (call.signal.aborted) return resolve({ reply: failed('aborted') })
    const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols, {
      headers: kept as Record<string, string[]> as unknown as Record<string, string>,
      perMessageDeflate: false,
      followRedirects: false,
    })
    const leave = () => socket.terminate()
    call.signal.addEventListener('abort', leave, { once: true })
    const over = () => call.signal.removeEventListener('abort', leave)
    let answered: HeaderList = []
    socket.once('upgrade', ({ rawHeaders }) => {
      answered = pairs(rawHeaders).filter(([name]) => name === 'sec-websocket-protocol' || !ofHandshake.test(name))
    })
    socket.once('open', () => {
      over()
      // What the service says at once waits until somebody listens.
      socket.pause()
      const peer = peerOf(socket, () => socket.terminate())
      resolve({
        peer: {
          ...peer,
          get bufferedBytes() {
            return peer.bufferedBytes
          },
          listen(listener) {
            peer.listen(listener)
            socket.resume()
          },
        },
        headers: answered.filter(([name]) => name !== 'upgrade' && name !== 'connection'),
      })
    })
    socket.once('unexpected-response', (_request, incoming) => {
      over()
      resolve({ reply: answeredFrom(incoming, 'GET', () => 'FIN') })
    })
    socket.once('error', (error) => {
      over()
      resolve({ reply: failureFrom(error, upstream, call.signal) })
    })
  })
}

function pairs(raw: readonly string[]): HeaderList {
  const list: [string, string][] = []
  for (let i = 0; i < raw.length; i += 2) list.push([raw[i]!.toLowerCase(), raw[i + 1]!])
  return list
}
