import * as installed from 'msw'
import { MeshError } from './errors.ts'

// MSW's own, from the copy that the project has installed: the handlers of a definition and those that a user imports
// from 'msw' are the same thing. The build replaces the import above by one that turns a missing package into a MeshError.

type Msw = typeof installed

function checked(msw: Msw): Msw {
  if (typeof msw.http?.get !== 'function' || typeof msw.getResponse !== 'function')
    throw new MeshError('MESH_MSW_VERSION', 'The installed msw is too old: it has no `http` or no `getResponse`.', {
      fix: 'Install a supported one: npm install --save-dev msw@^2.12',
    })
  return msw
}

/** Thrown by the built package when `msw` cannot be loaded. */
export function mswMissing(cause: unknown): never {
  const details = [String((cause as { message?: string })?.message ?? cause).split('\n')[0]!]
  // Jest's own sandbox cannot load msw's ES modules: it is there, and the test file lacks the environment.
  if (process.env.JEST_WORKER_ID !== undefined && /\bES modules?\b|\bSyntaxError\b|import statement/i.test(details[0]!))
    throw new MeshError(
      'MESH_NO_ENVIRONMENT',
      'meshwright: this test file does not run in the Jest environment of meshwright',
      {
        details: [...details, 'Begin the file with  /** @jest-environment meshwright/jest-environment */'],
        fix: "or set  testEnvironment: 'meshwright/jest-environment'  in the configuration of Jest.",
        cause,
      },
    )
  throw new MeshError('MESH_MSW_MISSING', 'meshwright needs the package "msw" and cannot load it.', {
    details,
    fix: 'Install it next to meshwright: npm install --save-dev msw',
    cause,
  })
}

const msw = checked(installed)

/** As MSW types it, but a request's JSON is `any` unless the handler says otherwise, so that a handler can read it without ceremony. */
type LooseHttp = {
  [Method in keyof Msw['http']]: <
    Params extends installed.PathParams<keyof Params> = Record<string, string>,
    // `any` is the point: the body of a request in a test is whatever the caller sent.
    // oxlint-disable-next-line no-explicit-any
    RequestBody extends installed.DefaultBodyType = any,
    ResponseBody extends installed.DefaultBodyType = undefined,
  >(
    predicate: string | RegExp | installed.HttpCustomPredicate<Params>,
    resolver: installed.HttpResponseResolver<Params, RequestBody, ResponseBody>,
    options?: installed.RequestHandlerOptions,
  ) => installed.HttpHandler
}

export const http = msw.http as unknown as LooseHttp
export const HttpResponse: Msw['HttpResponse'] = msw.HttpResponse
export const ws: Msw['ws'] = msw.ws
export const sse: Msw['sse'] = msw.sse
export const delay: Msw['delay'] = msw.delay

interface GraphQLLink {
  query: GraphQLHandlerFactory
  mutation: GraphQLHandlerFactory
  operation(resolver: GraphQLResolver, options?: installed.RequestHandlerOptions): installed.RequestHandler
}

type GraphQLHandlerFactory = (
  name: string | RegExp,
  resolver: GraphQLResolver,
  options?: installed.RequestHandlerOptions,
) => installed.RequestHandler

type GraphQLResolver = (info: {
  request: Request
  query: string
  operationName: string
  // As with the body of an HTTP request: what the caller sent.
  // oxlint-disable-next-line no-explicit-any
  variables: Record<string, any>
  cookies: Record<string, string>
}) => Response | undefined | Promise<Response | undefined>

/** MSW 2's own type. From msw 3 on, all handlers belong to a `link`, in an entry that MSW 2's types know nothing of. */
type GraphQL = Msw extends { graphql: infer G } ? G : { link(url: string | RegExp): GraphQLLink }

/**
 * MSW's GraphQL handlers. From msw 3 on they are an entry of their own, which needs the package `graphql`: ESM imports them from
 * 'msw/graphql'; CommonJS, and with it a test in a Jest sandbox, finds them here, too.
 *
 * @throws MeshError `MESH_MSW_VERSION` when one is asked for that has to be imported from 'msw/graphql'.
 */
export const graphql = ((msw as { graphql?: unknown }).graphql ?? elsewhere()) as GraphQL

function elsewhere(): object {
  return Object.defineProperty({}, 'link', { get: () => Reflect.get(graphqlEntry(), 'link') as unknown })
}

function graphqlEntry(): object {
  let cause: unknown
  try {
    // ESM cannot load synchronously; where code is evaluated as a string, it has a `module` all the same.
    if (typeof module !== 'undefined' && typeof module.require === 'function')
      return (module.require('msw/graphql') as { graphql: object }).graphql
  } catch (error) {
    cause = error
  }
  throw new MeshError('MESH_MSW_VERSION', 'The installed msw keeps `graphql` in an entry of its own.', {
    ...(cause !== undefined && { details: [String(cause).split('\n')[0]!], cause }),
    fix: "Install the package graphql, and import { graphql } from 'msw/graphql'.",
  })
}

export const getResponse: Msw['getResponse'] = msw.getResponse
/** @internal for the transport that spreads handlers into a user's own MSW. */
export const rawMsw: Msw = msw
