import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MeshDefinition } from '../../src/index.ts'
import { runIn } from './context.ts'
import type { Snippet } from './context.ts'
import { blocks, pages, root, textOf, titleOf } from './pages.ts'
import type { Block } from './pages.ts'
import { createWorkspace, isSnippet, moduleOf, modules, removeWorkspace, snippetFile } from './workspace.ts'

const runnable = blocks.filter((block) => isSnippet(block) && block.does !== 'types')
const workspace = createWorkspace('from source')
for (const { path, code } of modules()) workspace.write(path, code)
for (const block of runnable) workspace.write(snippetFile(block), moduleOf(block))

let seed: string | undefined
beforeAll(() => {
  // Pages show seeds; one of the environment's would stand in their place.
  seed = process.env['MESHWRIGHT_SEED']
  delete process.env['MESHWRIGHT_SEED']
})
afterAll(() => {
  if (seed !== undefined) process.env['MESHWRIGHT_SEED'] = seed
  removeWorkspace(workspace.folder)
})

const load = (file: string) => import(/* @vite-ignore */ join(workspace.folder, file))

/** What a block shows: the message of what it throws, or what it logs. */
async function outcomeOf(block: Block): Promise<string> {
  const { shop } = (await load('shop.mesh.ts')) as { shop: MeshDefinition }
  const { default: snippet } = (await load(snippetFile(block))) as { default: Snippet }
  if (block.does !== 'fails') return (await runIn(block.with, snippet, shop)).join('\n').trimEnd()
  return runIn(block.with, snippet, shop).then(
    () => {
      throw new Error('This code is shown as failing, and does not fail.')
    },
    (error: Error) => error.message,
  )
}

// What differs from machine to machine, or from run to run: ports, the paths of this checkout, real time, and whether
// undici starts the timer that all its requests share within this very simulation.
const settled = (text: string) =>
  stripVTControlCharacters(text)
    .replaceAll(`${root}/`, '')
    .replace(/127\.0\.0\.1:\d{4,5}/g, '127.0.0.1:<port>')
    .replace(/\bport \d{4,5}\b/gi, (all) => all.replace(/\d+/, '<port>'))
    .replace(/(\w->\w.* )open for \d+ ms/g, '$1open for <n> ms')
    .replace(/\n {2}Seen outside the virtual clock: a timer inside Node[^\n]*/, '')
    .replace(/open since [\d.]+ s/g, 'open since <n> s')

for (const page of pages) {
  const own = runnable.filter((block) => block.page === page)
  if (own.length > 0)
    describe(page, () => {
      const lines = textOf(page).split('\n')
      // From the end, so that a text of another length moves nothing that is still to be replaced.
      const replacements: { from: number; to: number; text: string }[] = []

      for (const block of own)
        test(`line ${block.line} does what the page says`, async () => {
          const text = settled(await outcomeOf(block))
          if (block.shown) replacements.push({ from: block.shown.fromLine, to: block.shown.toLine, text })
          else if (block.does !== 'run') throw new Error(`${titleOf(block)} needs a block of text behind it`)
        })

      if (own.some(({ shown }) => shown))
        test('shows what its code shows (vitest -u writes it down)', async () => {
          for (const { from, to, text } of replacements.sort((a, b) => b.from - a.from))
            lines.splice(from, to - from, ...text.split('\n'))
          await expect(lines.join('\n')).toMatchFileSnapshot(join(root, page))
        })
    })
}
