import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { defineMesh, http, HttpResponse } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { foreignShapes } from '../support/foreign-shapes.ts'
import { meshes } from '../support/meshes.ts'

const start = meshes()
const python = '/usr/bin/python3'
const script = (name: string) => join(import.meta.dirname, '..', 'support', 'foreign', name)

const site = defineMesh({
  name: 'site',
  services: {
    app: { underTest: true, calls: { files: {} } },
    files: { handlers: [http.get('/text', () => HttpResponse.text('abcdefghijklmnopqrst'))] },
  },
})

/** What a program prints; nothing when it is not there, or fails. */
const prints = (program: string, ...options: string[]) => {
  try {
    return execFileSync(program, options, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return ''
  }
}
const has = {
  curl: prints('curl', '--version') !== '',
  http2: prints('curl', '--version').includes('HTTP2'),
  urllib: prints(python, '-c', 'import urllib.request; print(1)') !== '',
  aiohttp: prints(python, '-c', 'import aiohttp; print(1)') !== '',
}
type Client = keyof typeof has

/** The exit code, and what is printed. */
const run = (program: string, options: string[]) =>
  new Promise<{ code: number; printed: string }>((resolve) =>
    execFile(program, options, { env: { PATH: process.env['PATH'] } }, (error, printed) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, printed: printed.trim() }),
    ),
  )

const curl = async (url: string, ...options: string[]) =>
  (await run('curl', ['--silent', '--output', '/dev/null', '--max-time', '1.5', ...options, url])).code

const clients: Record<Client, (url: string) => Promise<number | string>> = {
  curl: (url) => curl(url),
  http2: (url) => curl(url, '--http2-prior-knowledge'),
  urllib: async (url) => (await run(python, [script('urllib_get.py'), url, '1.5'])).printed,
  aiohttp: async (url) => (await run(python, [script('aiohttp_get.py'), url, '1.5'])).printed,
}

const whole: Record<Client, number | string> = { curl: 0, http2: 0, urllib: 'ok 20', aiohttp: 'ok 20' }
const present = (Object.keys(clients) as Client[]).filter((client) => has[client])
const absent = (Object.keys(clients) as Client[]).filter((client) => !has[client])
const note = absent.length > 0 ? ` (not on this machine: ${absent.join(', ')})` : ''

const ofPresent = (shapes: Record<Client, number | string>) =>
  Object.fromEntries(present.map((client) => [client, shapes[client]]))

/** What all clients that are there see, side by side. */
const seen = async (url: string) =>
  Object.fromEntries(await Promise.all(present.map(async (client) => [client, await clients[client](url)] as const)))

describe(`clients that are no Node${note}`, () => {
  for (const [fault, { inject, ...shapes }] of Object.entries(foreignShapes))
    test(`see ${fault} as what it is, and nothing of it afterwards`, { timeout: 30_000 }, async () => {
      const mesh = (await start(site)) as unknown as Mesh
      const url = `${mesh.url('files', { from: 'app' })}/text`
      inject(mesh.chaos, 'files')
      // The port of an outage closes in a moment.
      if (fault.startsWith('outage')) await expect.poll(() => fetch(url).catch(() => 'refused')).toBe('refused')
      expect(await seen(url)).toEqual(ofPresent(shapes))
      mesh.chaos.heal()
      await expect
        .poll(() =>
          fetch(url).then(
            ({ ok }) => ok,
            () => false,
          ),
        )
        .toBe(true)
      expect(await seen(url)).toEqual(ofPresent(whole))
    })
})
