import { AsyncLocalStorage } from 'node:async_hooks'
import type { Door } from './door.ts'
import type { HeaderList } from './call.ts'

/** Where in the mesh the code that runs now stands: which mesh, as which service, on behalf of which call. */
export interface Scope {
  readonly door: Door
  /** The service whose handler runs; undefined for the test itself, which speaks as the service under test. */
  readonly service?: string
  /** The call that the handler answers. */
  readonly parent?: { readonly id: string; readonly hops: readonly string[] }
  /** The scope around this one: a test may run in several meshes. */
  readonly outer?: Scope | undefined
  /** Trace headers for calls made from here. */
  readonly trace?: () => HeaderList
}

// Kept behind a registered symbol because two copies of this package (ESM and CommonJS) may be loaded side by side and
// must see the same scope. An AsyncLocalStorage holds nothing by itself.
const key = Symbol.for('meshwright/scope')
const shared = globalThis as { [key]?: AsyncLocalStorage<Scope> }

export const scopes: AsyncLocalStorage<Scope> = (shared[key] ??= new AsyncLocalStorage<Scope>())

export const currentScope = (): Scope | undefined => scopes.getStore()
