import { runInNewContext } from 'node:vm'
import { http, HttpResponse } from 'msw'
import { describe, expect, test } from 'vitest'
import { MeshError } from '../../../src/errors.ts'
import {
  validateEdgeOptions,
  validateMeshOptions,
  validateReplySpec,
  validateServiceOptions,
} from '../../../src/topology/validate.ts'
import { graphql } from '../../support/own-msw.ts'

function mistake(act: () => void): MeshError {
  try {
    act()
  } catch (error) {
    if (MeshError.is(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const inMesh = (options: object) => () => validateMeshOptions({ name: 'shop', services: {}, ...options })
const inServices = (services: unknown) => inMesh({ services: services as object })
const inService = (options: unknown) => inServices({ orders: options })
const inEdge = (options: unknown) => inServices({ orders: { calls: { payments: options } }, payments: {} })
const inFallback = (fallback: unknown) => inEdge({ fallback })
const breaker = (circuitBreaker: unknown) => inEdge({ circuitBreaker })
const handler = http.get('/', () => HttpResponse.json({}))
const circular: { self?: object } = {}
circular.self = circular
const deep = Array.from({ length: 201 }).reduce<object>((inner) => ({ inner }), {})

type Row = [title: string, act: () => void, message: string]

/** The whole message without its code, which `code` checks. */
function expectRows(code: MeshError['code'], rows: readonly Row[]) {
  test.each(rows)('%s', (_, act, message) => {
    const error = mistake(act)
    expect(error.message).toBe(`${message}   [${code}]`)
    expect(error.code).toBe(code)
  })
}

const retryFix = '\n  Write retry: { attempts: 2 }, the number of retries after the first try.'
const breakerFix =
  '\n  Write { consecutiveFailures, openMs }, { failureRatio, overCalls, openMs } or { failureRatio, overMs, openMs }.'
const edge = 'services.orders.calls.payments'

describe('a definition', () => {
  expectRows('MESH_INVALID_DEFINITION', [
    [
      'is an object',
      () => validateMeshOptions('shop'),
      'defineMesh: expected a plain object of mesh options, got "shop" (string)',
    ],
    [
      'is not an array',
      () => validateMeshOptions([]),
      'defineMesh: expected a plain object of mesh options, got [] (array)',
    ],
    [
      'has a name',
      () => validateMeshOptions({ services: {} }),
      'defineMesh: expected `name` to be a string that is not empty, got undefined',
    ],
    [
      'has a name that is not blank',
      inMesh({ name: ' ' }),
      'defineMesh: expected `name` to be a string that is not empty, got " " (string)',
    ],
    [
      'has services',
      inMesh({ services: undefined }),
      'mesh "shop": expected `services` to be a plain object of services by name, got undefined\n  Write services: { orders: { calls: { payments: {} } }, payments: {} }.',
    ],
    [
      'has services by name',
      inMesh({ services: ['orders'] }),
      'mesh "shop": expected `services` to be a plain object of services by name, got ["orders"] (array)\n  Write services: { orders: { calls: { payments: {} } }, payments: {} }.',
    ],
    [
      'has service names without arrows',
      inServices({ 'a->b': {} }),
      'services: expected service names without "->", got "a->b"\n  Edges are declared by `calls` of the caller: { calls: { callee: {} } }.',
    ],
    ...['', 'my service', '-a', '_a', 'a/b', 'größe'].map((name): Row => [
      `has no service named ${JSON.stringify(name)}`,
      inServices({ [name]: {} }),
      `services: expected service names of letters, digits, ".", "_" and "-" that begin with a letter or digit, got ${JSON.stringify(name)}`,
    ]),
    ...['7', '1.2.3.4.5', '0x7f.1'].map((name): Row => [
      `has no service named ${name} without a url, because that is an address`,
      inServices({ [name]: {} }),
      `services: expected a service name that can be a host name, got "${name}"\n  Rename the service, or give it a \`url\`.`,
    ]),
  ])

  expectRows('MESH_INVALID_OPTION', [
    [
      'has no unknown options',
      inMesh({ hopsLimit: 3 }),
      'mesh "shop": unknown option `hopsLimit`. Did you mean "hopLimit"?\n  Options: hopLimit, name, seed, services, undeclaredCalls, unhandledRequests, unknownHosts',
    ],
    [
      'has a hop limit in range',
      inMesh({ hopLimit: 0 }),
      'mesh "shop": expected `hopLimit` to be an integer from 1 to 1000, got 0 (number)',
    ],
    [
      'has a finite seed',
      inMesh({ seed: NaN }),
      'mesh "shop": expected `seed` to be a number or a string that is not empty, got NaN (number)',
    ],
    [
      'has a seed that is not empty',
      inMesh({ seed: '' }),
      'mesh "shop": expected `seed` to be a number or a string that is not empty, got "" (string)',
    ],
    [
      'says what undeclared calls do',
      inMesh({ undeclaredCalls: 'allowed' }),
      'mesh "shop": expected `undeclaredCalls` to be "fail" or "allow", got "allowed" (string)\n  Did you mean "allow"?',
    ],
    [
      'says what unhandled requests do',
      inMesh({ unhandledRequests: true }),
      'mesh "shop": expected `unhandledRequests` to be "fail" or "passthrough", got true (boolean)',
    ],
  ])

  expectRows('MESH_UNKNOWN_SERVICE', [
    [
      'calls services that it declares',
      inServices({ orders: { calls: { paymnts: {} } }, payments: {} }),
      'services.orders.calls: no service "paymnts" in mesh "shop". Did you mean "payments"?\n  Services: orders, payments',
    ],
    [
      'is quoted in paths where a dot would mislead',
      inServices({ 'my.orders': { calls: { zzzzzzzzzzzzzz: {} } } }),
      'services["my.orders"].calls: no service "zzzzzzzzzzzzzz" in mesh "shop".\n  Services: my.orders',
    ],
  ])

  expectRows('MESH_DUPLICATE_URL', [
    [
      'has one address for each service',
      inServices({ a: { url: 'https://shop.test' }, b: { url: 'https://SHOP.test:443/' } }),
      'Services "a" and "b" have the same address, https://shop.test.\n  Give each service a `url` with a host (or port) of its own.',
    ],
    [
      'has no two names for one default address',
      inServices({ Orders: {}, orders: {} }),
      'Services "Orders" and "orders" have the same address, http://orders.\n  Give each service a `url` with a host (or port) of its own.',
    ],
  ])

  test('takes all that the interface allows', () => {
    expect(
      inServices({
        'a.b-c_D9': {
          underTest: true,
          sidecar: false,
          url: 'https://a.test:8443/',
          upstream: 'http://127.0.0.1:3000',
          instances: 1_000,
          responseTime: 3,
          metadata: { zone: 'x' },
          handlers: [handler, graphql.link('http://a.test/graphql').query('Q', () => HttpResponse.json({}))],
          calls: { 'a.b-c_D9': {}, 7: {} },
        },
        7: { url: 'http://seven' },
      }),
    ).not.toThrow()
  })

  test('may come from another realm', () => {
    const foreign: unknown = runInNewContext(`({
      name: 'shop',
      services: { a: { calls: { a: { retry: { attempts: 1, on: ['5xx', 429] }, fallback: { body: new Uint8Array(2) } } } } },
    })`)
    expect(() => validateMeshOptions(foreign)).not.toThrow()
  })
})

describe('a service', () => {
  expectRows('MESH_INVALID_OPTION', [
    [
      'is an object',
      inService('x'),
      'services: expected `orders` to be a plain object, got "x" (string)\n  Write {} for a service that answers 200.',
    ],
    [
      'has no unknown options',
      inService({ call: {} }),
      'services.orders: unknown option `call`. Did you mean "calls"?\n  Options: calls, handlers, instances, metadata, requestBodies, responseTime, sidecar, tcp, underTest, upstream, url',
    ],
    [
      'is under test or not',
      inService({ underTest: 'yes' }),
      'services.orders: expected `underTest` to be true or false, got "yes" (string)',
    ],
    [
      'has a whole number of instances',
      inService({ instances: 1.5 }),
      'services.orders: expected `instances` to be an integer from 1 to 1000, got 1.5 (number)',
    ],
    [
      'has at most 1000 instances',
      inService({ instances: 1001 }),
      'services.orders: expected `instances` to be an integer from 1 to 1000, got 1001 (number)',
    ],
    [
      'has metadata of strings',
      inService({ metadata: { weight: 3 } }),
      'services.orders.metadata: expected `weight` to be a string, got 3 (number)',
    ],
    [
      'has calls by callee',
      inService({ calls: ['payments', 'catalog'] }),
      'services.orders: expected `calls` to be a plain object of edge options by callee, got ["payments","catalog"] (array)\n  Write calls: { payments: {}, catalog: {} }.',
    ],
    [
      'has calls in a plain object',
      inService({ calls: new Map() }),
      'services.orders: expected `calls` to be a plain object of edge options by callee, got {} (object)',
    ],
  ])

  const url = 'services.orders: expected `url` to be'
  const origin = 'an http or https origin such as "https://orders.shop.test"'
  expectRows('MESH_INVALID_OPTION', [
    ['has a url that is a string', inService({ url: 7 }), `${url} ${origin}, got 7 (number)`],
    [
      'has a url with a scheme',
      inService({ url: 'orders.test' }),
      `${url} ${origin}, got "orders.test" (string)\n  Write "http://orders.test".`,
    ],
    [
      'has a url with a scheme, also before a port',
      inService({ url: 'orders:80' }),
      `${url} ${origin}, got "orders:80" (string)\n  Write "http://orders:80".`,
    ],
    ['has a url at all', inService({ url: '' }), `${url} ${origin}, got "" (string)`],
    ['has no ftp url', inService({ url: 'ftp://x' }), `${url} ${origin}, got "ftp://x" (string)`],
    [
      'has a url without a path',
      inService({ url: 'http://x/api' }),
      `${url} an origin without path, query and fragment, got "http://x/api" (string)\n  Write "http://x" and put the path into the routes.`,
    ],
    [
      'has a url without a query',
      inService({ url: 'http://x?' }),
      `${url} an origin without path, query and fragment, got "http://x?" (string)\n  Write "http://x" and put the path into the routes.`,
    ],
    [
      'has a url without a password',
      inService({ url: 'http://me:pw@x' }),
      `${url} an origin without user name and password, got "http://me:pw@x" (string)\n  Write "http://x".`,
    ],
    [
      'has an upstream that is an origin',
      inService({ upstream: 'http://127.0.0.1:3000/v1' }),
      'services.orders: expected `upstream` to be an origin without path, query and fragment, got "http://127.0.0.1:3000/v1" (string)\n  Write "http://127.0.0.1:3000" and put the path into the routes.',
    ],
  ])

  const handlers = 'services.orders: expected `handlers'
  expectRows('MESH_INVALID_OPTION', [
    [
      'has handlers in an array',
      inService({ handlers: { run() {} } }),
      `${handlers}\` to be an array of MSW handlers, got {} (object)\n  Put the handler into an array: handlers: [handler].`,
    ],
    ['has handlers at all', inService({ handlers: 7 }), `${handlers}\` to be an array of MSW handlers, got 7 (number)`],
    [
      'has handlers with routes',
      inService({ handlers: [handler, function pay() {}] }),
      `${handlers}[1]\` to be an MSW handler, got pay (function)\n  Give it a route: http.get('/items/:id', resolver).`,
    ],
    [
      'has no response for a handler',
      inService({ handlers: [HttpResponse.json({})] }),
      `${handlers}[0]\` to be an MSW handler, got {} (object)\n  Return it from a handler: http.get('/items/:id', () => HttpResponse.json({...})).`,
    ],
    [
      'has handlers that are not nested',
      inService({ handlers: [[handler]] }),
      `${handlers}[0]\` to be an MSW handler, got ${JSON.stringify([handler]).slice(0, 77)}... (array)\n  Spread the array: handlers: [...more].`,
    ],
    [
      'has no plain data for a handler',
      inService({ handlers: [{ path: '/' }] }),
      `${handlers}[0]\` to be an MSW handler, got {"path":"/"} (object)\n  Make one with http.get('/items/:id', resolver), http.post(...) and so on.`,
    ],
  ])

  const time = 'services.orders.responseTime: expected'
  const timeFix = '\n  Write milliseconds, or use constant(), uniform(), normal(), lognormal() or exponential().'
  expectRows('MESH_INVALID_OPTION', [
    [
      'has a response time of at least nothing',
      inService({ responseTime: -1 }),
      'services.orders: expected `responseTime` to be a number >= 0, got -1 (number)',
    ],
    [
      'has a response time in milliseconds',
      inService({ responseTime: '5 ms' }),
      `services.orders: expected \`responseTime\` to be a plain object with a \`kind\`, got "5 ms" (string)${timeFix}`,
    ],
    [
      'has a known kind of response time',
      inService({ responseTime: { kind: 'log-normal' } }),
      `${time} \`kind\` to be one of "constant", "uniform", "normal", "lognormal", "exponential", got "log-normal" (string)\n  Did you mean "lognormal"?`,
    ],
    [
      'has no option of another kind',
      inService({ responseTime: { kind: 'constant', ms: 1, meanMs: 1 } }),
      'services.orders.responseTime: unknown option `meanMs`.\n  Options: kind, ms',
    ],
    [
      'has all options of its kind',
      inService({ responseTime: { kind: 'uniform', minMs: 1 } }),
      `${time} \`maxMs\` to be a number >= 0, got undefined`,
    ],
    [
      'has uniform bounds in order',
      inService({ responseTime: { kind: 'uniform', minMs: 5, maxMs: 4 } }),
      `${time} \`maxMs\` to be a number >= minMs (5), got 4 (number)`,
    ],
    [
      'has percentiles in order',
      inService({ responseTime: { kind: 'lognormal', medianMs: 5, p99Ms: 4 } }),
      `${time} \`p99Ms\` to be a number >= medianMs (5), got 4 (number)`,
    ],
    [
      'has a positive median',
      inService({ responseTime: { kind: 'lognormal', medianMs: 0, p99Ms: 4 } }),
      `${time} \`medianMs\` to be a number > 0, got 0 (number)`,
    ],
    [
      'has no negative deviation',
      inService({ responseTime: { kind: 'normal', meanMs: 5, deviationMs: -4 } }),
      `${time} \`deviationMs\` to be a number >= 0, got -4 (number)`,
    ],
    [
      'has a positive exponential mean',
      inService({ responseTime: { kind: 'exponential', meanMs: 0 } }),
      `${time} \`meanMs\` to be a number > 0, got 0 (number)`,
    ],
  ])
})

describe('an edge', () => {
  expectRows('MESH_INVALID_OPTION', [
    [
      'is an object',
      inEdge(true),
      'services.orders.calls: expected `payments` to be a plain object, got true (boolean)\n  Write {} for a call without policies.',
    ],
    [
      'has no unknown options',
      inEdge({ timeout: 5 }),
      `${edge}: unknown option \`timeout\`. Did you mean "timeoutMs"?\n  Options: bulkhead, circuitBreaker, fallback, mode, retry, timeoutMs`,
    ],
    [
      'has a known mode',
      inEdge({ mode: 'asnyc' }),
      `${edge}: expected \`mode\` to be "sync" or "async", got "asnyc" (string)\n  Did you mean "async"?`,
    ],
    [
      'has a positive timeout',
      inEdge({ timeoutMs: 0 }),
      `${edge}: expected \`timeoutMs\` to be a number > 0, got 0 (number)`,
    ],
    [
      'has a finite timeout',
      inEdge({ timeoutMs: Infinity }),
      `${edge}: expected \`timeoutMs\` to be a number > 0, got Infinity (number)`,
    ],
    [
      'has a timeout without quotes',
      inEdge({ timeoutMs: '500' }),
      `${edge}: expected \`timeoutMs\` to be a number > 0, got "500" (string)\n  Write it without quotes: 500.`,
    ],
    [
      'has retry options',
      inEdge({ retry: 3 }),
      `${edge}: expected \`retry\` to be a plain object, got 3 (number)${retryFix}`,
    ],
    [
      'has a number of retries',
      inEdge({ retry: {} }),
      `${edge}.retry: expected \`attempts\` to be an integer from 0 to 100, got undefined`,
    ],
    [
      'has at most 100 retries',
      inEdge({ retry: { attempts: 101 } }),
      `${edge}.retry: expected \`attempts\` to be an integer from 0 to 100, got 101 (number)`,
    ],
    [
      'retries on known conditions',
      inEdge({ retry: { attempts: 1, on: ['5xx', 'timeuot'] } }),
      `${edge}.retry: expected \`on[1]\` to be one of "network", "timeout", "5xx", "gateway-error", got "timeuot" (string)\n  Did you mean "timeout"?`,
    ],
    [
      'retries on possible statuses',
      inEdge({ retry: { attempts: 1, on: [99] } }),
      `${edge}.retry: expected \`on[0]\` to be an integer from 200 to 599, got 99 (number)`,
    ],
    [
      'retries on a list of conditions',
      inEdge({ retry: { attempts: 1, on: '5xx' } }),
      `${edge}.retry: expected \`on\` to be an array of failure conditions (network, timeout, 5xx, gateway-error or a status), got "5xx" (string)`,
    ],
    [
      'honours Retry-After or not',
      inEdge({ retry: { attempts: 1, honourRetryAfter: 0 } }),
      `${edge}.retry: expected \`honourRetryAfter\` to be true or false, got 0 (number)`,
    ],
    [
      'has backoff options',
      inEdge({ retry: { attempts: 1, backoff: 100 } }),
      `${edge}.retry: expected \`backoff\` to be a plain object with a \`kind\`, got 100 (number)\n  For the same wait each time write { kind: 'constant', ms: 100 }.`,
    ],
    [
      'has a kind of backoff',
      inEdge({ retry: { attempts: 1, backoff: { initialMs: 3 } } }),
      `${edge}.retry.backoff: expected \`kind\` to be "constant" or "exponential", got undefined`,
    ],
    [
      'has a growing backoff',
      inEdge({ retry: { attempts: 1, backoff: { kind: 'exponential', initialMs: 3, factor: 0.5 } } }),
      `${edge}.retry.backoff: expected \`factor\` to be a number >= 1, got 0.5 (number)`,
    ],
    [
      'has a backoff whose limit is above its start',
      inEdge({ retry: { attempts: 1, backoff: { kind: 'exponential', initialMs: 30, maxMs: 20 } } }),
      `${edge}.retry.backoff: expected \`maxMs\` to be a number >= initialMs (30), got 20 (number)`,
    ],
    [
      'has a known jitter',
      inEdge({ retry: { attempts: 1, backoff: { kind: 'constant', ms: 3, jitter: true } } }),
      `${edge}.retry.backoff: expected \`jitter\` to be one of "none", "full", "equal", got true (boolean)`,
    ],
    [
      'has bulkhead options',
      inEdge({ bulkhead: 5 }),
      `${edge}: expected \`bulkhead\` to be a plain object, got 5 (number)\n  Write bulkhead: { maxConcurrent: 10 }.`,
    ],
    [
      'has a bulkhead with places',
      inEdge({ bulkhead: { maxConcurrent: 0 } }),
      `${edge}.bulkhead: expected \`maxConcurrent\` to be an integer >= 1, got 0 (number)`,
    ],
    [
      'has a bulkhead with a queue of some length',
      inEdge({ bulkhead: { maxConcurrent: 1, maxQueued: -1 } }),
      `${edge}.bulkhead: expected \`maxQueued\` to be an integer >= 0, got -1 (number)`,
    ],
  ])

  const circuit = `${edge}.circuitBreaker: expected`
  expectRows('MESH_INVALID_OPTION', [
    [
      'has circuit breaker options',
      breaker(5),
      `${edge}: expected \`circuitBreaker\` to be a plain object, got 5 (number)${breakerFix}`,
    ],
    [
      'has a whole number of failures',
      breaker({ consecutiveFailures: '5', openMs: 1 }),
      `${circuit} \`consecutiveFailures\` to be an integer >= 1, got "5" (string)\n  Write it without quotes: 5.`,
    ],
    [
      'opens for some time',
      breaker({ consecutiveFailures: 5 }),
      `${circuit} \`openMs\` to be a number > 0, got undefined`,
    ],
    [
      'has no unknown option of the circuit breaker',
      breaker({ consecutiveFailure: 5, openMs: 1 }),
      `${edge}.circuitBreaker: unknown option \`consecutiveFailure\`. Did you mean "consecutiveFailures"?\n  Options: consecutiveFailures, failOn, failureRatio, halfOpenCalls, minimumCalls, openMs, overCalls, overMs`,
    ],
    ['has a trigger', breaker({ openMs: 1 }), `${circuit} what opens the circuit, got openMs${breakerFix}`],
    ['has a trigger at all', breaker({}), `${circuit} what opens the circuit, got no option${breakerFix}`],
    [
      'has one trigger',
      breaker({ consecutiveFailures: 5, failureRatio: 0.5, overCalls: 3, openMs: 1 }),
      `${circuit} one kind of trigger, got consecutiveFailures together with failureRatio, overCalls${breakerFix}`,
    ],
    [
      'has one window',
      breaker({ failureRatio: 0.5, overCalls: 3, overMs: 4, openMs: 1 }),
      `${circuit} one window, got both overCalls and overMs${breakerFix}`,
    ],
    [
      'has a window',
      breaker({ failureRatio: 0.5, openMs: 1 }),
      `${circuit} a window for \`failureRatio\`: overCalls or overMs, got failureRatio, openMs${breakerFix}`,
    ],
    [
      'has a ratio for its window',
      breaker({ overCalls: 5, openMs: 1 }),
      `${circuit} \`failureRatio\` to be a number > 0 and < 1, got undefined`,
    ],
    [
      'has a ratio that can be exceeded',
      breaker({ failureRatio: 1, overMs: 5, openMs: 1 }),
      `${circuit} \`failureRatio\` to be a number > 0 and < 1, got 1 (number)`,
    ],
    [
      'has a minimum that its window can hold',
      breaker({ failureRatio: 0.5, overCalls: 5, minimumCalls: 6, openMs: 1 }),
      `${circuit} \`minimumCalls\` to be an integer <= overCalls (5), got 6 (number)`,
    ],
    [
      'lets at least one trial call through',
      breaker({ consecutiveFailures: 5, openMs: 1, halfOpenCalls: 0 }),
      `${circuit} \`halfOpenCalls\` to be an integer >= 1, got 0 (number)`,
    ],
    [
      'fails on known conditions',
      breaker({ consecutiveFailures: 5, openMs: 1, failOn: [null] }),
      `${circuit} \`failOn[0]\` to be one of "network", "timeout", "5xx", "gateway-error", got null`,
    ],
  ])

  test.each([
    { mode: 'async' },
    { timeoutMs: 0.5, retry: { attempts: 0 } },
    { retry: { attempts: 100, backoff: { kind: 'constant', ms: 0, jitter: 'full' }, on: ['network', 429] } },
    { retry: { attempts: 1, backoff: { kind: 'exponential', initialMs: 50, factor: 1, maxMs: 50 } } },
    { circuitBreaker: { consecutiveFailures: 1, openMs: 0.1, halfOpenCalls: 2, failOn: ['gateway-error'] } },
    { circuitBreaker: { failureRatio: 0.5, overCalls: 10, minimumCalls: 10, openMs: 1 } },
    { circuitBreaker: { failureRatio: 0.5, overMs: 10, minimumCalls: 50, openMs: 1 } },
    { bulkhead: { maxConcurrent: 1, maxQueued: 0 } },
    { fallback: 204 },
  ])('takes %j', (options) => {
    expect(inEdge(options)).not.toThrow()
  })
})

describe('a reply', () => {
  const fallback = `${edge}.fallback`
  expectRows('MESH_INVALID_OPTION', [
    [
      'has a possible status',
      inFallback(99),
      `${edge}: expected \`fallback\` to be an integer from 200 to 599, got 99 (number)`,
    ],
    [
      'is data, not text',
      inFallback('sorry'),
      `${edge}: expected \`fallback\` to be a status or a reply ({ status, json, text, body, headers, delayMs }), got "sorry" (string)\n  For a text body write { text: "sorry" }.`,
    ],
    [
      'is data, not a Response',
      inFallback(HttpResponse.json({})),
      `${edge}: expected \`fallback\` to be a status or a reply ({ status, json, text, body, headers, delayMs }), got {} (object)\n  Write it as data: { status: 202, json: {...} }; a Response can be read only once.`,
    ],
    [
      'has one kind of content',
      inFallback({ json: {}, text: '' }),
      `${fallback}: expected at most one of \`json\`, \`text\` and \`body\`, got json and text`,
    ],
    [
      'has no body with status 204',
      inFallback({ status: 204, json: {} }),
      `${fallback}: expected no body with status 204, got \`json\``,
    ],
    [
      'has bytes for a body',
      inFallback({ body: 'x' }),
      `${fallback}: expected \`body\` to be a Uint8Array, got "x" (string)\n  For text use \`text\`, for JSON \`json\`.`,
    ],
    [
      'has no unknown options',
      inFallback({ stauts: 200 }),
      `${fallback}: unknown option \`stauts\`. Did you mean "status"?\n  Options: body, delayMs, headers, json, status, text`,
    ],
    [
      'has a delay of at least nothing',
      inFallback({ delayMs: -1 }),
      `${fallback}: expected \`delayMs\` to be a number >= 0, got -1 (number)`,
    ],
    [
      'has headers by name',
      inFallback({ headers: [['a', 'b']] }),
      `${edge}.fallback: expected \`headers\` to be a plain object of header values, got [["a","b"]] (array)`,
    ],
    [
      'is no function',
      inFallback(() => 503),
      `${edge}: expected \`fallback\` to be a status or a reply ({ status, json, text, body, headers, delayMs }), got anonymous (function)\n  Write the reply as data; a handler can compute one.`,
    ],
    [
      'has JSON of a depth that can be read',
      inFallback({ json: deep }),
      `${edge}.fallback.json${'.inner'.repeat(199)}: expected \`inner\` to be JSON of at most 200 levels, got {"inner":{}} (object)`,
    ],
    [
      'has header values that are strings',
      inFallback({ headers: { 'retry-after': 5 } }),
      `${fallback}.headers: expected \`retry-after\` to be a string (or an array of strings) without line breaks, got 5 (number)`,
    ],
    [
      'has header values on one line',
      inFallback({ headers: { a: ['x', 'y\r\nz: 1'] } }),
      `${fallback}.headers: expected \`a\` to be a string (or an array of strings) without line breaks, got ["x","y\\r\\nz: 1"] (array)`,
    ],
    [
      'has header names that are names',
      inFallback({ headers: { 'a b': 'x' } }),
      `${fallback}.headers: expected header names to be HTTP tokens, got "a b" (string)`,
    ],
    [
      'has JSON without functions',
      inFallback({ json: { at: [1, { now: () => 1 }] } }),
      `${fallback}.json.at[1]: expected \`now\` to be a value that JSON can carry, got now (function)`,
    ],
    [
      'has JSON without NaN',
      inFallback({ json: NaN }),
      `${fallback}: expected \`json\` to be a value that JSON can carry, got NaN (number)`,
    ],
    [
      'has JSON without bigints',
      inFallback({ json: { id: 5n } }),
      `${fallback}.json: expected \`id\` to be a value that JSON can carry, got 5 (bigint)`,
    ],
    [
      'has JSON without maps',
      inFallback({ json: { index: new Map([[1, 2]]) } }),
      `${fallback}.json: expected \`index\` to be a value that JSON can carry, got {} (object)`,
    ],
    [
      'has JSON without circles',
      inFallback({ json: circular }),
      `${fallback}.json: expected \`self\` to be JSON without a reference to itself, got [object Object] (object)`,
    ],
  ])

  test.each([
    200,
    599,
    {},
    { json: null },
    { json: { at: new Date(0), list: [1, 'x', true, null, undefined] } },
    { text: '' },
    { body: Buffer.from('x'), headers: { 'x-a': 'b', 'set-cookie': ['a=1', 'b=2'] } },
    { status: 204, delayMs: 1.5 },
  ])('takes %j', (reply) => {
    expect(inFallback(reply)).not.toThrow()
  })

  test('may hold the same object twice', () => {
    const same = { a: 1 }
    expect(inFallback({ json: [same, same] })).not.toThrow()
  })
})

describe('at run time', () => {
  test('edge options are named by the given path', () => {
    expect(mistake(() => validateEdgeOptions('orders->payments', 5)).message).toMatch(
      /^orders->payments: expected a plain object, got 5 \(number\)/,
    )
    expect(mistake(() => validateEdgeOptions('orders->payments', { retry: { attempts: -1 } })).message).toMatch(
      /^orders->payments\.retry: expected `attempts`/,
    )
  })

  test('callees are checked against the services of the mesh', () => {
    const mesh = { name: 'shop', services: ['payments'] }
    expect(mistake(() => validateServiceOptions('sms', { calls: { paymnts: {} } }, mesh)).message).toMatch(
      /^sms\.calls: no service "paymnts" in mesh "shop"\. Did you mean "payments"\?/,
    )
    expect(() => validateServiceOptions('sms', { calls: { paymnts: {} } })).not.toThrow()
  })

  test('a reply is named by the given path', () => {
    expect(mistake(() => validateReplySpec('replies[1]', 1000)).message).toMatch(
      /^expected `replies\[1\]` to be an integer from 200 to 599, got 1000 \(number\)/,
    )
    expect(mistake(() => validateReplySpec('replies[1]', { status: 1 })).message).toMatch(
      /^replies\[1\]: expected `status`/,
    )
  })
})
