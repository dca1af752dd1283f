import { getSystemErrorMap } from 'node:util'
import { expect } from 'vitest'
import type { NetworkFailure } from '../../src/call/reply.ts'
import type { ClientName } from './clients.ts'

export interface ErrorShape {
  readonly name: string
  readonly message: string
  readonly code?: string | number
  /** Where it is set, the error has the platform's `errno` of its code as well. */
  readonly syscall?: string
  readonly cause?: ErrorShape
}

/**
 * What each client makes of each failure of the network, measured over real sockets (Node 20.20, axios 1.21, got 14.6,
 * undici 7.30); `<address>` stands for the host's address and port. A call that hangs ends with whatever the caller gives
 * up with, here `AbortSignal.timeout()`.
 */
export const errorShapes: Readonly<Record<NetworkFailure, Readonly<Record<ClientName, ErrorShape>>>> = {
  refused: {
    fetch: {
      name: 'TypeError',
      message: 'fetch failed',
      cause: {
        name: 'Error',
        message: 'connect ECONNREFUSED <address>',
        code: 'ECONNREFUSED',
        syscall: 'connect',
      },
    },
    'http.request': {
      name: 'Error',
      message: 'connect ECONNREFUSED <address>',
      code: 'ECONNREFUSED',
      syscall: 'connect',
    },
    axios: {
      name: 'Error',
      message: 'connect ECONNREFUSED <address>',
      code: 'ECONNREFUSED',
      cause: {
        name: 'Error',
        message: 'connect ECONNREFUSED <address>',
        code: 'ECONNREFUSED',
        syscall: 'connect',
      },
    },
    got: {
      name: 'RequestError',
      message: 'connect ECONNREFUSED <address>',
      code: 'ECONNREFUSED',
      cause: {
        name: 'Error',
        message: 'connect ECONNREFUSED <address>',
        code: 'ECONNREFUSED',
        syscall: 'connect',
      },
    },
    'undici.request': {
      name: 'Error',
      message: 'connect ECONNREFUSED <address>',
      code: 'ECONNREFUSED',
      syscall: 'connect',
    },
  },
  reset: {
    fetch: {
      name: 'TypeError',
      message: 'fetch failed',
      cause: {
        name: 'Error',
        message: 'read ECONNRESET',
        code: 'ECONNRESET',
        syscall: 'read',
      },
    },
    'http.request': {
      name: 'Error',
      message: 'read ECONNRESET',
      code: 'ECONNRESET',
      syscall: 'read',
    },
    axios: {
      name: 'Error',
      message: 'read ECONNRESET',
      code: 'ECONNRESET',
      cause: {
        name: 'Error',
        message: 'read ECONNRESET',
        code: 'ECONNRESET',
        syscall: 'read',
      },
    },
    got: {
      name: 'RequestError',
      message: 'read ECONNRESET',
      code: 'ECONNRESET',
      cause: {
        name: 'Error',
        message: 'read ECONNRESET',
        code: 'ECONNRESET',
        syscall: 'read',
      },
    },
    'undici.request': {
      name: 'Error',
      message: 'read ECONNRESET',
      code: 'ECONNRESET',
      syscall: 'read',
    },
  },
  closed: {
    fetch: {
      name: 'TypeError',
      message: 'fetch failed',
      cause: {
        name: 'SocketError',
        message: 'other side closed',
        code: 'UND_ERR_SOCKET',
      },
    },
    'http.request': {
      name: 'Error',
      message: 'socket hang up',
      code: 'ECONNRESET',
    },
    axios: {
      name: 'Error',
      message: 'socket hang up',
      code: 'ECONNRESET',
      cause: {
        name: 'Error',
        message: 'socket hang up',
        code: 'ECONNRESET',
      },
    },
    got: {
      name: 'RequestError',
      message: 'socket hang up',
      code: 'ECONNRESET',
      cause: {
        name: 'Error',
        message: 'socket hang up',
        code: 'ECONNRESET',
      },
    },
    'undici.request': {
      name: 'SocketError',
      message: 'other side closed',
      code: 'UND_ERR_SOCKET',
    },
  },
  hung: {
    fetch: {
      name: 'TimeoutError',
      message: 'The operation was aborted due to timeout',
      code: 23,
    },
    'http.request': {
      name: 'AbortError',
      message: 'The operation was aborted',
      code: 'ABORT_ERR',
      cause: {
        name: 'TimeoutError',
        message: 'The operation was aborted due to timeout',
        code: 23,
      },
    },
    axios: {
      name: 'CanceledError',
      message: 'canceled',
      code: 'ERR_CANCELED',
    },
    got: {
      name: 'TimeoutError',
      message: 'The operation was aborted due to timeout',
      code: 23,
      cause: {
        name: 'TimeoutError',
        message: 'The operation was aborted due to timeout',
        code: 23,
      },
    },
    'undici.request': {
      name: 'TimeoutError',
      message: 'The operation was aborted due to timeout',
      code: 23,
    },
  },
  truncated: {
    fetch: {
      name: 'TypeError',
      message: 'terminated',
      cause: {
        name: 'SocketError',
        message: 'other side closed',
        code: 'UND_ERR_SOCKET',
      },
    },
    'http.request': {
      name: 'Error',
      message: 'aborted',
      code: 'ECONNRESET',
    },
    axios: {
      name: 'AxiosError',
      message: 'stream has been aborted',
      code: 'ERR_BAD_RESPONSE',
    },
    got: {
      name: 'ReadError',
      message: 'The server aborted pending request',
      code: 'ECONNRESET',
      cause: {
        name: 'Error',
        message: 'The server aborted pending request',
        code: 'ECONNRESET',
      },
    },
    'undici.request': {
      name: 'SocketError',
      message: 'other side closed',
      code: 'UND_ERR_SOCKET',
    },
  },
  'reset-mid-body': {
    fetch: {
      name: 'TypeError',
      message: 'terminated',
      cause: {
        name: 'Error',
        message: 'read ECONNRESET',
        code: 'ECONNRESET',
        syscall: 'read',
      },
    },
    'http.request': {
      name: 'Error',
      message: 'read ECONNRESET',
      code: 'ECONNRESET',
      syscall: 'read',
    },
    axios: {
      name: 'Error',
      message: 'read ECONNRESET',
      code: 'ECONNRESET',
      cause: {
        name: 'Error',
        message: 'read ECONNRESET',
        code: 'ECONNRESET',
        syscall: 'read',
      },
    },
    got: {
      name: 'RequestError',
      message: 'read ECONNRESET',
      code: 'ECONNRESET',
      cause: {
        name: 'Error',
        message: 'read ECONNRESET',
        code: 'ECONNRESET',
        syscall: 'read',
      },
    },
    'undici.request': {
      name: 'Error',
      message: 'read ECONNRESET',
      code: 'ECONNRESET',
      syscall: 'read',
    },
  },
  garbage: {
    fetch: {
      name: 'TypeError',
      message: 'fetch failed',
      cause: {
        name: 'HTTPParserError',
        message: 'Response does not match the HTTP/1.1 protocol (Expected HTTP/)',
        code: 'HPE_INVALID_CONSTANT',
      },
    },
    'http.request': {
      name: 'Error',
      message: 'Parse Error: Expected HTTP/, RTSP/ or ICE/',
      code: 'HPE_INVALID_CONSTANT',
    },
    axios: {
      name: 'Error',
      message: 'Parse Error: Expected HTTP/, RTSP/ or ICE/',
      code: 'HPE_INVALID_CONSTANT',
      cause: { name: 'Error', message: 'Parse Error: Expected HTTP/, RTSP/ or ICE/', code: 'HPE_INVALID_CONSTANT' },
    },
    got: {
      name: 'RequestError',
      message: 'Parse Error: Expected HTTP/, RTSP/ or ICE/',
      code: 'HPE_INVALID_CONSTANT',
      cause: { name: 'Error', message: 'Parse Error: Expected HTTP/, RTSP/ or ICE/', code: 'HPE_INVALID_CONSTANT' },
    },
    'undici.request': {
      name: 'HTTPParserError',
      message: 'Response does not match the HTTP/1.1 protocol (Expected HTTP/)',
      code: 'HPE_INVALID_CONSTANT',
    },
  },
  malformed: {
    fetch: {
      name: 'TypeError',
      message: 'terminated',
      cause: {
        name: 'HTTPParserError',
        message: 'Response does not match the HTTP/1.1 protocol (Invalid character in chunk size)',
        code: 'HPE_INVALID_CHUNK_SIZE',
      },
    },
    'http.request': {
      name: 'Error',
      message: 'Parse Error: Invalid character in chunk size',
      code: 'HPE_INVALID_CHUNK_SIZE',
    },
    axios: {
      name: 'Error',
      message: 'Parse Error: Invalid character in chunk size',
      code: 'HPE_INVALID_CHUNK_SIZE',
      cause: { name: 'Error', message: 'Parse Error: Invalid character in chunk size', code: 'HPE_INVALID_CHUNK_SIZE' },
    },
    got: {
      name: 'RequestError',
      message: 'Parse Error: Invalid character in chunk size',
      code: 'HPE_INVALID_CHUNK_SIZE',
      cause: { name: 'Error', message: 'Parse Error: Invalid character in chunk size', code: 'HPE_INVALID_CHUNK_SIZE' },
    },
    'undici.request': {
      name: 'HTTPParserError',
      message: 'Response does not match the HTTP/1.1 protocol (Invalid character in chunk size)',
      code: 'HPE_INVALID_CHUNK_SIZE',
    },
  },
  'going-away': {
    fetch: {
      name: 'TypeError',
      message: 'fetch failed',
      cause: {
        name: 'SocketError',
        message: 'other side closed',
        code: 'UND_ERR_SOCKET',
      },
    },
    'http.request': {
      name: 'Error',
      message: 'socket hang up',
      code: 'ECONNRESET',
    },
    axios: {
      name: 'Error',
      message: 'socket hang up',
      code: 'ECONNRESET',
      cause: {
        name: 'Error',
        message: 'socket hang up',
        code: 'ECONNRESET',
      },
    },
    got: {
      name: 'RequestError',
      message: 'socket hang up',
      code: 'ECONNRESET',
      cause: {
        name: 'Error',
        message: 'socket hang up',
        code: 'ECONNRESET',
      },
    },
    'undici.request': {
      name: 'SocketError',
      message: 'other side closed',
      code: 'UND_ERR_SOCKET',
    },
  },
}

interface Failure extends NodeJS.ErrnoException {
  cause?: Failure
}

/** undici's parser has other words, and no code, in Node 24; the table has those of Node 20. */
function asInNode20(error: Failure): Pick<Failure, 'message' | 'code'> {
  if (error.name !== 'HTTPParserError') return error
  const message = error.message.replace('Expected HTTP/, RTSP/ or ICE/', 'Expected HTTP/')
  const code = message.includes('chunk size') ? 'HPE_INVALID_CHUNK_SIZE' : 'HPE_INVALID_CONSTANT'
  return { message, code: error.code ?? code }
}

function shapeOf(error: Failure): ErrorShape {
  const { message, code } = asInNode20(error)
  if (error.errno !== undefined) expect(getSystemErrorMap().get(error.errno)?.[0]).toBe(error.code)
  return {
    name: error.name,
    message: message.replace(/127\.0\.0\.1:\d+/, '<address>'),
    ...(code !== undefined && { code }),
    ...(error.syscall !== undefined && { syscall: error.syscall }),
    ...(error.cause && { cause: shapeOf(error.cause) }),
  }
}

/** The shape of what a request fails with; an `errno` has to be the platform's for its code. */
export const shapeOfFailure = async (failing: Promise<unknown>) =>
  failing.then(
    (value) => expect.unreachable(`succeeded with ${String(value)}`),
    (error: Failure) => shapeOf(error),
  )
