import { expect } from 'vitest'
import '../../fixtures/vitest.ts'
import { startMesh } from '../../src/index.ts'
import type { Mesh, MeshDefinition } from '../../src/index.ts'

/** What the code of the documentation may use without importing it. */
export interface Context {
  readonly mesh: Mesh
  readonly chaos: Mesh['chaos']
  readonly expect: typeof expect
  readonly console: { log(...values: unknown[]): void }
  /** Of the simulation, in the context `simulated`. */
  readonly sleep: (ms: number) => Promise<void>
  readonly now: () => number
}

export type Snippet = (context: Context) => Promise<unknown>

const unavailable = (name: string) => (): never => {
  throw new Error(`${name} is not there in this context`)
}

/** Runs a snippet and gives back what it logged. */
export async function runIn(context: string, snippet: Snippet, shop: MeshDefinition): Promise<string[]> {
  const logged: string[] = []
  const console = { log: (...values: unknown[]) => void logged.push(values.map(shown).join(' ')) }
  const tools = { expect, console, sleep: unavailable('sleep'), now: unavailable('now') }
  if (context === 'plain') {
    const mesh = new Proxy({} as Mesh, { get: unavailable('mesh') })
    await snippet({ ...tools, mesh, chaos: mesh as unknown as Mesh['chaos'] })
    return logged
  }
  // Without its response time: pages show times, and a draw would have to be explained on each.
  const mesh = await startMesh(shop.with({ services: { catalog: { responseTime: 0 } } }), { seed: 7 })
  const given = { ...tools, mesh, chaos: mesh.chaos }
  try {
    if (context === 'shop') await mesh.run(() => snippet(given))
    else if (context === 'simulated') await mesh.simulate((time) => snippet({ ...given, ...time }))
    else throw new Error(`No context "${context}"; there are plain, shop and simulated`)
    const [problem] = mesh.problems
    if (problem) throw problem
  } finally {
    await mesh.stop()
  }
  return logged
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value, undefined, 1)!)
