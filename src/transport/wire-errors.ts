import { getSystemErrorMap } from 'node:util'

// libuv's numbers, which are those that Node puts on its errors; they differ between platforms.
function errnoOf(code: string): number | undefined {
  for (const [errno, [name]] of getSystemErrorMap()) if (name === code) return errno
  return undefined
}

/** What `connect` says when nothing listens on a host with a single address. */
export function connectRefused(port: number, address = '127.0.0.1'): NodeJS.ErrnoException {
  return Object.assign(new Error(`connect ECONNREFUSED ${address}:${port}`), {
    errno: errnoOf('ECONNREFUSED'),
    code: 'ECONNREFUSED',
    syscall: 'connect',
    address,
    port,
  })
}

/** What a socket says after an RST. */
export function readReset(): NodeJS.ErrnoException {
  return Object.assign(new Error('read ECONNRESET'), {
    errno: errnoOf('ECONNRESET'),
    code: 'ECONNRESET',
    syscall: 'read',
  })
}

/** What `http.request` says after a FIN in place of an answer. */
export function hangUp(): NodeJS.ErrnoException {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', errno: errnoOf('ECONNRESET') })
}

/** What undici says after a FIN in place of an answer or of the rest of one. */
export function otherSideClosed(): Error & { code: string } {
  return Object.assign(new Error('other side closed'), { name: 'SocketError', code: 'UND_ERR_SOCKET' })
}

/** What undici says of bytes that are not what HTTP/1.1 has in their place; `reason` and `code` are its parser's (llhttp). */
export function notHttpError(reason: string, code: string): Error & { code: string } {
  return Object.assign(new Error(`Response does not match the HTTP/1.1 protocol (${reason})`), {
    name: 'HTTPParserError',
    code,
  })
}

/** What `http.request` says of them. */
export function parseError(reason: string, code: string): Error & { code: string } {
  return Object.assign(new Error(`Parse Error: ${reason}`), { code })
}

/** What undici says when its own patience ends before any header came. */
export function headersTimedOut(): Error & { code: string } {
  return Object.assign(new Error('Headers Timeout Error'), {
    name: 'HeadersTimeoutError',
    code: 'UND_ERR_HEADERS_TIMEOUT',
  })
}

/** The port that a URL names or implies. */
export function portOf(url: string | URL): number {
  const { port, protocol } = new URL(url)
  return Number(port) || (protocol === 'https:' ? 443 : 80)
}
