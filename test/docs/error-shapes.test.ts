import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { expect, test } from 'vitest'
import type { NetworkFailure } from '../../src/call/reply.ts'
import { chromiumShapes } from '../support/chromium-shapes.ts'
import { clients } from '../support/clients.ts'
import type { ClientName } from '../support/clients.ts'
import { errorShapes } from '../support/error-shapes.ts'
import { foreignShapes } from '../support/foreign-shapes.ts'
import type { ErrorShape } from '../support/error-shapes.ts'
import { root } from './pages.ts'

const page = join(root, 'docs', 'guide', 'error-shapes.md')
const [begin, end] = ['<!-- generated: shapes -->', '<!-- generated: end -->']

/** Which fault ends as which failure; what a page adds is not in the data. */
const faults: Record<NetworkFailure, string> = {
  refused: 'Refused: `chaos.outage`, `chaos.flap`',
  reset: 'Reset before the headers: `chaos.reset`',
  closed: 'Closed before the headers: `chaos.close`',
  hung: 'No answer: `chaos.hang`, `chaos.loseReply`, `chaos.partition`',
  truncated: "Closed in the body: `chaos.truncate`, `chaos.close` with `at: 'after-headers'`",
  'reset-mid-body': "Reset in the body: `chaos.reset` with `at: 'mid-body'` or `'after-headers'`",
  garbage: 'No HTTP in place of an answer: `chaos.garbage`',
  malformed: 'A chunk that is none: `chaos.malformedChunk`',
  'going-away': 'Takes no more requests: `chaos.goAway`',
}

const code = (text: string) => `\`${text}\``

function words({ name, message, code: value, syscall, cause }: ErrorShape): string {
  const own = [
    `${code(name)} ${code(message)}`,
    ...(value === undefined ? [] : [`code ${code(String(value))}`]),
    ...(syscall === undefined ? [] : [`syscall ${code(syscall)}`]),
  ].join(', ')
  return cause ? `${own}; cause: ${words(cause)}` : own
}

function tables(): string {
  return (Object.keys(errorShapes) as NetworkFailure[])
    .map((failure) =>
      [
        `## ${faults[failure]}`,
        '',
        '| client | error |',
        '| --- | --- |',
        ...(Object.keys(clients) as ClientName[]).map(
          (client) => `| ${code(client)} | ${words(errorShapes[failure][client])} |`,
        ),
        '',
      ].join('\n'),
    )
    .join('\n')
}

const exitCodes: Record<number, string> = {
  1: 'HTTP/0.9 when not allowed',
  7: 'could not connect',
  18: 'partial file',
  28: 'time-out',
  52: 'empty reply',
  56: 'failure in receiving',
  92: 'HTTP/2 stream error',
}
const exitCode = (value: number) => `${value} (${exitCodes[value]})`

const foreignTable = () =>
  [
    '## Clients in other languages',
    '',
    'Over a listener: curl 7.88 with HTTP/1.1 and with HTTP/2, Python 3.11 with urllib and aiohttp 3.8, each with a limit of 1.5 s.',
    '',
    '| `chaos.` | curl | curl, HTTP/2 | urllib | aiohttp |',
    '| --- | --- | --- | --- | --- |',
    ...Object.entries(foreignShapes).map(
      ([fault, { curl, http2, urllib, aiohttp }]) =>
        `| ${code(fault)} | ${exitCode(curl)} | ${exitCode(http2)} | ${code(urllib)} | ${code(aiohttp)} |`,
    ),
    '',
    'The limit of urllib is one of silence: a head that trickles never reaches it, and the answer is read in the end. aiohttp keeps a',
    'chunk that is none to itself when it comes after the head, and waits until its limit.',
    '',
  ].join('\n')

const compiledTable = () =>
  [
    '### Go and Java',
    '',
    'Over a listener: `net/http` of Go 1.19; `HttpClient` and `HttpURLConnection` of Java 17, by class and message; HTTP/1.1 with and',
    'without TLS, HTTP/2 with it, each with a limit of 1.5 s and a new connection. "200, then": the head had come, and reading the body',
    'fails. "sent twice": the client tried again by itself, and the journal has both.',
    '',
    '| `chaos.` | Go | Go, HTTP/2 | `HttpClient` | `HttpClient`, HTTP/2 | `HttpURLConnection` |',
    '| --- | --- | --- | --- | --- | --- |',
    ...Object.entries(foreignShapes).map(
      ([fault, { go, goHttp2, java, javaHttp2, urlConnection }]) =>
        `| ${[fault, go, goHttp2, java, javaHttp2, urlConnection].map(code).join(' | ')} |`,
    ),
    '',
    '- A GOAWAY makes Go send the request again on a new connection, at once and for as long as the fault is there, hundreds of times in a',
    '  second: with `times: 1` it is answered, and the journal has both. HttpClient of Java 17 fails.',
    '- A connection that ends before the head makes Go try a GET again only if the connection had been used before; HttpClient and',
    '  HttpURLConnection once in any case. A POST is sent again by HttpURLConnection alone, unless its body is streamed.',
    '- HttpURLConnection takes a body that is shorter than its `content-length` for the whole. Its limit is one of silence.',
    '- The `timeout` of HttpClient is one for the head; in the body it is that of whoever waits for the future, here `TimeoutException`.',
    '',
  ].join('\n')

const chromiumTable = () =>
  [
    '## Chromium behind a proxy',
    '',
    "With [`transport: 'proxy'`](proxy.md#pages-in-playwright): what the failed request says. `fetch` rejects with `TypeError: Failed to fetch`",
    "(or `network error`), or with the `TimeoutError` of the page's own limit. Of WebSockets it is the console that tells; the page sees 1006.",
    '',
    '| `chaos.` | fetch, HTTP/1.1 | fetch, HTTP/2 (`https`) | WebSocket |',
    '| --- | --- | --- | --- |',
    ...Object.entries(chromiumShapes).map(
      ([fault, { http, https, webSocket }]) => `| ${[fault, http, https, webSocket].map(code).join(' | ')} |`,
    ),
    '',
    '- On port 80 bytes that are no HTTP are an answer of HTTP/0.9 to Chromium.',
    '- A request on a connection that was used before, and one that a GOAWAY turns away, is sent again by the browser itself.',
    '- An `EventSource` whose stream breaks comes again with its `last-event-id`; one that is answered with an error gives up.',
    '',
  ].join('\n')

// The data itself is held to be true by test/unit/transport/error-shapes.test.ts, in process and over real sockets, and by
// test/mesh/foreign-clients.test.ts, test/slow/{go,java}-client.test.ts and test/e2e/chromium-faults.spec.ts.
test('the page of error shapes is what the transports are tested with (vitest -u writes it down)', async () => {
  const text = readFileSync(page, 'utf8')
  const [before, rest] = text.split(begin)
  const after = rest?.split(end)[1]
  expect(after, `${page} has the marks ${begin} and ${end}`).toBeDefined()
  const written = await format(
    `${before}${begin}\n\n${tables()}\n${foreignTable()}\n${compiledTable()}\n${chromiumTable()}\n${end}${after}`,
    {
      ...(await resolveConfig(page)),
      parser: 'markdown',
    },
  )
  await expect(written).toMatchFileSnapshot(page)
})
