import type { Call, HeaderList } from '../call/call.ts'
import { isStreamed } from '../call/body.ts'

// Headers that belong to one connection or one client library say nothing about the mesh, and differ from machine to
// machine; the journal of the same scenario has to be the same everywhere.
const left = new Set(
  ['connection', 'keep-alive', 'host', 'user-agent', 'accept-encoding', 'accept-language', 'content-length'].concat([
    'transfer-encoding',
    'te',
    'upgrade',
    'upgrade-insecure-requests',
    'priority',
    'pragma',
    'cache-control',
  ]),
)

/** The headers that are worth writing down, repeated ones joined. */
export function journalHeaders(headers: HeaderList): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of headers) {
    if (left.has(name) || name.startsWith('sec-')) continue
    kept[name] = Object.hasOwn(kept, name) ? `${kept[name]}, ${value}` : value
  }
  return kept
}

/** Bodies above this many bytes are described, not kept. */
const bodyLimitBytes = 64 * 1024

/** A request's body as the journal has it: parsed JSON, text, the number of bytes, or that it was a stream. */
export function describeBody({ body, headers }: Pick<Call, 'body' | 'headers'>): unknown {
  if (body === null) return undefined
  if (isStreamed(body)) return { streamed: true }
  if (body.byteLength > bodyLimitBytes) return { bytes: body.byteLength }
  const text = new TextDecoder('utf-8', { fatal: false }).decode(body)
  const type = headers.find(([name]) => name === 'content-type')?.[1] ?? ''
  if (/json/.test(type) || type === '') {
    try {
      return JSON.parse(text)
    } catch {
      // Announced as JSON and is none: the text itself is the evidence.
    }
  }
  return text.includes('\ufffd') ? { bytes: body.byteLength } : text
}
