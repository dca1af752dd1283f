import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { CallSignals } from '../../../src/mesh/call-signals.ts'
import { defineMesh, http, HttpResponse, startMesh } from '../../../src/index.ts'

describe('CallSignals', () => {
  test('aborts with the reason of the caller that goes away', () => {
    const caller = new AbortController()
    const { signal } = new CallSignals().open(caller.signal)
    expect(signal.aborted).toBe(false)
    const reason = new Error('gone')
    caller.abort(reason)
    expect(signal.reason).toBe(reason)
  })

  test('is aborted from the start for a caller that has gone already', () => {
    const { signal } = new CallSignals().open(AbortSignal.abort('earlier'))
    expect(signal.reason).toBe('earlier')
  })

  test('aborts all calls in flight when the mesh stops', () => {
    const signals = new CallSignals()
    const open = [signals.open(), signals.open(new AbortController().signal)]
    signals.abortAll('stopped')
    expect(open.map(({ signal }) => signal.reason)).toEqual(['stopped', 'stopped'])
    expect(signals.size).toBe(0)
  })

  test('keeps the first reason', () => {
    const signals = new CallSignals()
    const caller = new AbortController()
    const { signal } = signals.open(caller.signal)
    caller.abort('gone')
    signals.abortAll('stopped')
    expect(signal.reason).toBe('gone')
  })

  test('leaves nothing behind once a call is released', () => {
    const signals = new CallSignals()
    const caller = new AbortController()
    const { signal, release } = signals.open(caller.signal)
    release()
    release()
    expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0)
    caller.abort()
    signals.abortAll('stopped')
    expect(signal.aborted).toBe(false)
  })
})

describe('the signal of a request', () => {
  const handlers = (taken: (request: Request) => Response | Promise<Response>) =>
    defineMesh({
      name: 'signals',
      services: {
        app: { underTest: true, calls: { api: {} } },
        api: { handlers: [http.get('/', ({ request }) => taken(request))] },
      },
    })

  test('aborts when the mesh stops while a handler works', async () => {
    let arrived!: (request: Request) => void
    const request = new Promise<Request>((resolve) => (arrived = resolve))
    const mesh = await startMesh(
      handlers((taken) => {
        arrived(taken)
        return new Promise((resolve) =>
          taken.signal.addEventListener('abort', () => resolve(HttpResponse.json({ late: true }))),
        )
      }),
    )
    const response = mesh.call('app', 'api', '/')
    const { signal } = await request
    await mesh.stop()
    expect(signal.reason).toMatchObject({ code: 'MESH_STOPPED' })
    await response
  })

  test('aborts for a streamed body whose reader goes away', async () => {
    let aborted!: () => void
    const isAborted = new Promise<void>((resolve) => (aborted = resolve))
    const mesh = await startMesh(
      handlers(({ signal }) => {
        signal.addEventListener('abort', () => aborted())
        const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) })
        return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
      }),
    )
    const caller = new AbortController()
    const response = await mesh.call('app', 'api', '/', { signal: caller.signal })
    expect(response.status).toBe(200)
    caller.abort()
    await isAborted
    await mesh.stop()
  })

  test('is no matter of the mesh any more once the call has its answer', async () => {
    const requests: Request[] = []
    const mesh = await startMesh(
      handlers((request) => {
        requests.push(request)
        return HttpResponse.json({})
      }),
    )
    for (let i = 0; i < 20; i++) await mesh.call('app', 'api', '/')
    await mesh.stop()
    expect(requests.map(({ signal }) => signal.aborted)).toEqual(Array(20).fill(false))
  })
})
