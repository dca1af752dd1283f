import { test as base } from '@playwright/test'
import {
  http as mswHttp,
  HttpResponse,
  type DefaultBodyType,
  type HttpHandler,
  type HttpRequestResolverExtras,
  type PathParams,
  type RequestHandlerOptions,
  type ResponseResolver,
  type Path,
} from 'msw'
import { defineMesh, MeshDefinition } from '../../src/topology/definition.ts'
import type { EdgeName, ServiceName } from '../../src/topology/names.ts'
import type { EdgeOptions, MeshOptions, ResponseTime, ServiceOptions } from '../../src/topology/options.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const is = <_ extends true>() => {}

// What this file does not test is only declared: `call`, `lognormal`, and MSW's `http` with request bodies of any type.
declare function call(service: string, path: string, init?: object): Promise<Response>
declare function lognormal(options: { medianMs: number; p99Ms: number }): ResponseTime
declare const http: {
  [Method in keyof typeof mswHttp]: <
    Params extends PathParams<keyof Params> = PathParams,
    // Else destructuring `await request.json()` does not compile.
    RequestBody extends DefaultBodyType = any,
    ResponseBody extends DefaultBodyType = undefined,
  >(
    path: Path,
    resolver: ResponseResolver<HttpRequestResolverExtras<Params>, RequestBody, ResponseBody>,
    options?: RequestHandlerOptions,
  ) => HttpHandler
}

const shop = defineMesh({
  name: 'shop',
  services: {
    storefront: { underTest: true, calls: { orders: {} } },
    orders: {
      url: 'https://orders.shop.test',
      calls: {
        catalog: { timeoutMs: 500, retry: { attempts: 2, backoff: { kind: 'exponential', initialMs: 50 } } },
        payments: {
          timeoutMs: 2_000,
          retry: { attempts: 1 },
          circuitBreaker: { consecutiveFailures: 5, openMs: 30_000 },
          fallback: { status: 202, json: { status: 'payment-pending' } },
        },
        emails: { mode: 'async' },
      },
      handlers: [
        http.post('/orders', async ({ request }) => {
          const { itemId, quantity } = await request.json()
          const item = await call('catalog', `/items/${itemId}`).then((r) => r.json())
          const paid = await call('payments', '/charges', { method: 'POST', json: { amount: item.price * quantity } })
          return HttpResponse.json(
            { orderId: 'ORD98765', status: paid.status === 202 ? 'pending' : 'completed' },
            { status: paid.status },
          )
        }),
      ],
    },
    catalog: {
      handlers: [
        http.get('/items/:id', ({ params }) =>
          HttpResponse.json({ id: params.id, name: 'Super Widget', price: 19.99, stock: 10 }),
        ),
      ],
      responseTime: lognormal({ medianMs: 12, p99Ms: 80 }),
    },
    payments: { instances: 3, handlers: [mswHttp.post('/charges', () => HttpResponse.json({ ok: true }))] },
    emails: {},
  },
})

// Names are literals.
type ShapeIn<D> = D extends MeshDefinition<infer S> ? S : never
type Shop = ShapeIn<typeof shop>
is<Equal<ServiceName<Shop>, 'storefront' | 'orders' | 'catalog' | 'payments' | 'emails'>>()
is<Equal<EdgeName<Shop>, 'storefront->orders' | 'orders->catalog' | 'orders->payments' | 'orders->emails'>>()

shop.graph.edge('orders->payments')
// @ts-expect-error a misspelt edge
shop.graph.edge('orders->paymnts')
// @ts-expect-error an edge that is not declared
shop.graph.edge('payments->orders')
shop.graph.paths('storefront', 'payments')
// @ts-expect-error a misspelt service
shop.graph.dependents('paymnts')
shop.graph.toSvg({ services: { payments: 'failed' }, edges: { 'orders->payments': 'open' } })
// @ts-expect-error a status that does not exist
shop.graph.toSvg({ services: { payments: 'red' } })
is<Equal<typeof shop.services.payments, ServiceOptions>>()
// @ts-expect-error a service that is not declared
shop.services.sms
// @ts-expect-error a definition is immutable
shop.services.payments = {}

// A call to a service that is not declared, at its place.
defineMesh({
  name: 'shop',
  services: {
    // @ts-expect-error No service "paymnts" in this mesh
    orders: { calls: { paymnts: {} } },
    payments: {},
  },
})

// Unknown options are refused, at every level, also beside known ones.
defineMesh({ name: 'shop', services: {}, hopLimit: 8 })
// @ts-expect-error unknown option of the mesh
defineMesh({ name: 'shop', services: {}, hopsLimit: 8 })
// @ts-expect-error unknown option of a service
defineMesh({ name: 'shop', services: { a: { instances: 2, undertest: true } } })
// @ts-expect-error unknown option of an edge
defineMesh({ name: 'shop', services: { a: { calls: { a: { timeoutMs: 1, timeout: 2 } } } } })
// @ts-expect-error unknown option of a policy
defineMesh({ name: 'shop', services: { a: { calls: { a: { retry: { attempts: 1, backof: 2 } } } } } })
// @ts-expect-error wrong type of an option
defineMesh({ name: 'shop', services: { a: { instances: '2' } } })
// @ts-expect-error no trigger of the circuit breaker
defineMesh({ name: 'shop', services: { a: { calls: { a: { circuitBreaker: { openMs: 1 } } } } } })
// @ts-expect-error a resolver is no handler
defineMesh({ name: 'shop', services: { a: { handlers: [() => HttpResponse.json({})] } } })
// @ts-expect-error the name is required
defineMesh({ services: {} })

// A service may call itself, and one that is declared later.
defineMesh({ name: 'ring', services: { a: { calls: { a: {}, b: {} } }, b: { calls: { a: {} } } } })

// Derived definitions know the new names, and may call the old ones.
const more = shop.with({
  seed: 7,
  services: { sms: { calls: { orders: {}, sms: {} } }, emails: { calls: { sms: {} } } },
})
is<Equal<ServiceName<ShapeIn<typeof more>>, ServiceName<Shop> | 'sms'>>()
is<Equal<EdgeName<ShapeIn<typeof more>>, EdgeName<Shop> | 'sms->orders' | 'sms->sms' | 'emails->sms'>>()
more.graph.edge('orders->payments')
more.graph.edge('emails->sms')
// @ts-expect-error the base does not have it
shop.graph.edge('emails->sms')
// @ts-expect-error neither the base nor the change declares it
shop.with({ services: { sms: { calls: { nope: {} } } } })
// @ts-expect-error services belong under `services`
shop.with({ sms: {} })
const reseeded = shop.with({ seed: 7 })
is<Equal<EdgeName<ShapeIn<typeof reseeded>>, EdgeName<Shop>>>()
more.with({ services: { audit: {} } }).graph.edge('emails->sms')

// Options made at run time: names are strings.
const generated: Record<string, ServiceOptions> = {}
const many = defineMesh({ name: 'many', services: generated })
is<Equal<ServiceName<ShapeIn<typeof many>>, string>>()
is<Equal<EdgeName<ShapeIn<typeof many>>, string>>()
many.graph.edge('any->thing')
declare const options: MeshOptions
defineMesh(options)

// Options kept in constants.
const slow = { timeoutMs: 100, retry: { attempts: 1, on: ['5xx'] } } as const satisfies EdgeOptions
const policies: EdgeOptions = { bulkhead: { maxConcurrent: 2 } }
defineMesh({ name: 'x', services: { a: { calls: { b: slow, a: { ...policies, timeoutMs: 3 } } }, b: {} } })

// Each definition is a MeshDefinition.
const any: MeshDefinition = shop
const anyMore: MeshDefinition = more
const anyMany: MeshDefinition = many
declare function start<S extends Record<string, string>>(definition: MeshDefinition<S>): ServiceName<S>
is<Equal<ReturnType<typeof start<Shop>>, ServiceName<Shop>>>()
const service: ServiceName<Shop> = start(shop)
declare const unknown: unknown
if (MeshDefinition.is(unknown)) unknown.graph.edge('any->thing')
// @ts-expect-error an object with the same words is no definition
const fake: MeshDefinition = { name: 'shop', services: {} }

// Playwright takes a definition literally.
const test = base.extend<{ mesh$: MeshDefinition | undefined }>({ mesh$: [undefined, { option: true }] })
test.use(shop)
test.use(shop.with({ services: { sms: {} } }))

export { any, anyMore, anyMany, fake, service }
