import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as frontDoor from '../../src/index.ts'
import { blocks, fileNameOf, root } from './pages.ts'
import type { Block } from './pages.ts'

/** Kinds of blocks that are whole files of a project. */
export const runners = ['jest', 'jest-esm', 'playwright', 'vitest', 'node'] as const
export type Runner = (typeof runners)[number]

export const isSnippet = ({ does }: Block): boolean => ['run', 'prints', 'fails', 'types'].includes(does)
export const isFile = ({ does }: Block): boolean => does === 'module' || (runners as readonly string[]).includes(does)

/** How `meshwright` and its parts are imported. By name, a consumer's way, or from the sources of this checkout. */
export type Imports = 'by name' | 'from source'

const sources: Readonly<Record<string, string>> = {
  meshwright: 'src/index.ts',
  'meshwright/playwright': 'fixtures/playwright.ts',
  'meshwright/jest': 'fixtures/jest.ts',
  'meshwright/jest-environment': 'fixtures/jest-environment.ts',
  'meshwright/vitest': 'fixtures/vitest.ts',
  'meshwright/matchers': 'matchers/index.ts',
}

/** What a snippet gets, typed by the shop: a wrong name of a service or an edge does not compile. */
const contextFile = `
import type { Mesh, MeshDefinition } from 'meshwright'
import type {} from 'meshwright/vitest'
import type { expect } from 'vitest'
import type { shop } from './shop.mesh.ts'

type Shop = typeof shop extends MeshDefinition<infer S> ? S : never
export interface Context {
  mesh: Mesh<Shop>
  chaos: Mesh<Shop>['chaos']
  expect: typeof expect
  console: { log(...values: unknown[]): void }
  sleep(ms: number): Promise<void>
  now(): number
}
`

function fromSource(code: string): string {
  return code.replace(/(from|import) '(meshwright[^']*)'/g, (all, word: string, name: string) =>
    sources[name] ? `${word} '${join(root, sources[name])}'` : all,
  )
}

/** A folder in which the code of the documentation lives while it is tested. Inside of the repository, so that packages are found. */
export function createWorkspace(imports: Imports): { folder: string; write(path: string, text: string): string } {
  mkdirSync(join(root, '.scratch'), { recursive: true })
  const folder = mkdtempSync(join(root, '.scratch', 'docs-'))
  const write = (path: string, text: string) => {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, imports === 'from source' ? fromSource(text) : text)
    return file
  }
  write('context.ts', contextFile)
  if (imports === 'by name') {
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(root, join(folder, 'node_modules', 'meshwright'), 'dir')
  }
  return { folder, write }
}

export const removeWorkspace = (folder: string): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })

/** The path that the first line of a file's block names: `// checkout.test.ts`. */
export function pathOf(block: Block): string {
  const line = block.code.split('\n').find((text) => text.startsWith('// '))
  const path = line
    ?.slice(3)
    .trim()
    .split(/[\s:,]/)[0]
  if (!path || !/\.\w+$/.test(path)) throw new Error(`${block.page}:${block.line} has no line that names its file`)
  return path
}

/** The modules that all others may import: `shop.mesh.ts`, `checkout.ts`. */
export const modules = (): { path: string; code: string }[] =>
  blocks.filter(({ does }) => does === 'module').map((block) => ({ path: pathOf(block), code: block.code }))

const frontDoorNames = Object.keys(frontDoor)
const importLine = /^import [^]*?from '[^']+'$|^import '[^']+'$/gm

/** A snippet as a module: its own imports, those of the front door that it did not write down, and a function. */
export function moduleOf(block: Block): string {
  const own = block.code.match(importLine) ?? []
  const body = block.code.replace(importLine, '')
  const isFree = (name: string) =>
    new RegExp(`(?<![.\\w'"\`/-])${name}\\b(?!['"\`]|\\s*:)`).test(body) &&
    !own.some((line) => new RegExp(`\\b${name}\\b`).test(line))
  const taken = frontDoorNames.filter(isFree)
  return [
    "import type { Context } from './context.ts'",
    ...(taken.length > 0 ? [`import { ${taken.join(', ')} } from 'meshwright'`] : []),
    ...(isFree('shop') ? ["import { shop } from './shop.mesh.ts'"] : []),
    ...(isFree('checkout') ? ["import { checkout } from './checkout.ts'"] : []),
    ...own,
    'export default async ({ mesh, chaos, expect, console, sleep, now }: Context) => {',
    // A block of its own, so that the snippet may name its things as it likes.
    '{',
    body,
    '}',
    '}',
  ].join('\n')
}

export const snippetFile = (block: Block): string => `${fileNameOf(block)}.ts`
