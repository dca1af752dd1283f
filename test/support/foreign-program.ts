import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const run = promisify(execFile)
const sources = join(import.meta.dirname, 'foreign')

/** What a client tells of one request: of the answer what there was, and how it ended. */
export interface Told {
  readonly status?: number
  readonly protocol?: string
  /** Of the body; without its end there is no hash. */
  readonly bytes: number
  readonly sha256?: string
  /** The length that the head promised; -1 for none. */
  readonly length?: number
  readonly cookies?: readonly string[]
  readonly reused?: boolean
  readonly continued?: boolean
  /** The class, and what it says. */
  readonly error?: string
  readonly message?: string
}

export interface Asking {
  /** Bytes to send. */
  readonly body?: number
  readonly chunked?: true
  /** Expect: 100-continue. */
  readonly expect?: true
  /** Milliseconds. */
  readonly limit?: number
  /** At once. */
  readonly times?: number
  /** The name of a client that is used again, with its connections. */
  readonly keep?: string
  /** `name:value` */
  readonly header?: string
  /** HttpURLConnection keeps the body that it sends. */
  readonly buffered?: true
  readonly onPiece?: (piece: string) => void
}

/** A client in another language: one process for all its requests. */
export interface Program {
  ask(client: string, method: string, url: string, asking?: Asking): Promise<Told[]>
  end(): Promise<void>
}

export interface Language {
  /** Compiles into a folder, and tells how the outcome is started. */
  compile(folder: string): Promise<readonly [command: string, ...args: string[]]>
}

export const languages = {
  go: {
    async compile(folder) {
      const binary = join(folder, 'client')
      const env = { ...process.env, GO111MODULE: 'off', GOFLAGS: '', CGO_ENABLED: '0' }
      await run('go', ['build', '-o', binary, join(sources, 'client.go')], { env })
      return [binary]
    },
  },
  java: {
    async compile(folder) {
      await run('javac', ['-d', folder, join(sources, 'Client.java')])
      return ['java', '-XX:TieredStopAtLevel=1', '-cp', folder, 'Client']
    },
  },
} as const satisfies Record<string, Language>

/** Starts what was compiled; `authority` is the file with the certificate to trust. */
export function startProgram([command, ...args]: readonly [string, ...string[]], authority: string): Program {
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'], SSL_CERT_FILE: authority },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const asked = new Map<
    string,
    { told: Told[]; times: number; onPiece: Asking['onPiece']; done: (all: Told[]) => void; fail: (e: Error) => void }
  >()
  createInterface({ input: child.stdout }).on('line', (text) => {
    const { id, piece, ...told } = JSON.parse(text) as Told & { id: string; piece?: string }
    const one = asked.get(id)
    if (!one) return
    if (piece !== undefined) return one.onPiece?.(piece)
    if (one.told.push(told) < one.times) return
    asked.delete(id)
    one.done(one.told)
  })
  let isOver = false
  const ended = new Promise<void>((resolve) =>
    child.once('close', (code) => {
      isOver = true
      for (const { fail } of asked.values()) fail(new Error(`${command} ended with ${code}`))
      resolve()
    }),
  )
  child.stdin.on('error', () => {})
  let count = 0
  return {
    ask(client, method, url, { onPiece, ...options } = {}) {
      const id = String(++count)
      const words = Object.entries({ ...options, ...(onPiece && { pieces: 1 }) }).map(([key, value]) =>
        [key, value === true ? 1 : value].join('='),
      )
      return new Promise((done, fail) => {
        if (isOver) return fail(new Error(`${command} has ended`))
        asked.set(id, { told: [], times: options.times ?? 1, onPiece, done, fail })
        child.stdin.write(`${[id, client, method, url, ...words].join(' ')}\n`)
      })
    },
    async end() {
      child.stdin.end()
      await ended
    },
  }
}
