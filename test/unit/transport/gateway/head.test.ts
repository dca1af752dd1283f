import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lookAt } from '../../../../src/transport/gateway/head.ts'

const look = (text: string) => lookAt(Buffer.from(text, 'latin1'))
const closing = (text: string) => {
  const seen = look(text)
  return seen.kind === 'request' ? seen.request.closing.toString('latin1') : seen.kind
}

describe('lookAt', () => {
  test('waits for the end of the head, however it is cut into pieces', () => {
    const head = 'POST /charges?a=1 HTTP/1.1\r\nHost: x\r\nBaggage: a=1\r\nBAGGAGE:b=2\r\n\r\n'
    fc.assert(
      fc.property(fc.nat({ max: head.length - 1 }), (at) => {
        expect(look(head.slice(0, at))).toEqual({ kind: 'incomplete' })
      }),
    )
    expect(look(`${head}body`)).toMatchObject({
      kind: 'request',
      request: {
        line: 'POST /charges?a=1',
        headers: [
          ['host', 'x'],
          ['baggage', 'a=1'],
          ['baggage', 'b=2'],
        ],
        length: head.length,
      },
    })
  })

  test.each([
    ['\u0016\u0003\u0001', 'opaque'],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'opaque'],
    ['PRI * HT', 'incomplete'],
    ['PRINT / HTTP/1.1\r\n\r\n', 'request'],
    ['hello\r\n\r\n', 'unreadable'],
    ['GET / HTTP/1.1\r\nx: '.padEnd(70_000, 'a'), 'unreadable'],
    ['GET / HTTP/1.1\nhost: x\n\n', 'unreadable'],
    ['\r\n\r\n', 'incomplete'],
    ['\r\n\r\nGET / HTTP/1.1\r\n\r\n', 'request'],
  ])('of %j is %s', (text, kind) => expect(look(text).kind).toBe(kind))

  test('asks for an end of the connection with the answer, and leaves all else as it is', () => {
    expect(
      closing(
        'GET /\xe4 HTTP/1.1\r\nHost: X\r\nConnection: keep-alive, X-Own\r\nKeep-Alive: 5\r\nX-Own:  1\xff \r\n\r\n',
      ),
    ).toBe('GET /\xe4 HTTP/1.1\r\nHost: X\r\nX-Own:  1\xff \r\nconnection: X-Own, close\r\n\r\n')
    expect(closing('GET / HTTP/1.0\r\n\r\n')).toBe('GET / HTTP/1.0\r\nconnection: close\r\n\r\n')
  })

  test('takes an offer of another protocol out, for which the connection would be kept', () => {
    expect(
      closing(
        'GET / HTTP/1.1\r\nHost: X\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n',
      ),
    ).toBe('GET / HTTP/1.1\r\nHost: X\r\nconnection: close\r\n\r\n')
    expect(closing('GET / HTTP/1.1\r\nConnection: Upgrade\r\n\r\n')).toBe('GET / HTTP/1.1\r\nconnection: close\r\n\r\n')
  })

  test('leaves a request for a WebSocket alone', () => {
    const upgrade = 'GET /socket HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n'
    expect(closing(upgrade)).toBe(upgrade)
  })
})
