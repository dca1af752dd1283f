import * as msw from 'msw'
import type { SetupServer } from 'msw/node'

/** The major of the installed msw; from 3 on, GraphQL has an entry of its own. */
export const mswMajor = 'graphql' in msw ? 2 : 3

/** MSW's GraphQL handlers, from where the installed major has them; `link` is what both have. */
export const graphql = await loadGraphql()

async function loadGraphql() {
  // Not a literal, because the types of msw 2 know no such entry.
  const entry: string = mswMajor === 2 ? 'msw' : 'msw/graphql'
  const { graphql } = (await import(entry)) as {
    graphql: { link(url: string): { query(name: string, resolver: () => Response): msw.RequestHandler } }
  }
  return graphql
}

/** Lets a user's own MSW listen; the option for requests that no handler takes has another name from msw 3 on. */
export function listen(server: Pick<SetupServer, 'listen'>, unhandled: 'bypass' | 'error' = 'bypass'): void {
  const options = { onUnhandledRequest: unhandled, onUnhandledFrame: unhandled }
  server.listen(options as Parameters<typeof server.listen>[0])
}
