import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { matchers } from '../../matchers/index.ts'
import { startMesh } from '../../src/index.ts'
import { shop } from '../support/shop.ts'
import { blocks, pages, root, textOf, titleOf } from './pages.ts'
import { isFile, isSnippet, pathOf } from './workspace.ts'

describe('each block of code', () => {
  test('is run, type-checked, an excerpt, or says why not', () => {
    const known = (block: (typeof blocks)[number]) =>
      isSnippet(block) || isFile(block) || ['excerpt', 'not run'].includes(block.does)
    expect(blocks.filter((block) => !known(block)).map(titleOf)).toEqual([])
  })

  test('that is a file names it', () => {
    expect(blocks.filter(isFile).map(pathOf)).not.toContain('')
  })

  const flat = (text: string) => text.replace(/^\s+/gm, '').trim()
  test.each(blocks.filter(({ does }) => does === 'excerpt').map((block) => [titleOf(block), block] as const))(
    '%s stands in the file that it is an excerpt of',
    (_title, block) => {
      const file = flat(readFileSync(join(root, block.with), 'utf8'))
      // `...` on a line of its own stands for what is left out.
      for (const part of block.code.split(/^\s*\/\/ \.\.\.$/m)) expect(file).toContain(flat(part))
    },
  )
})

describe('the guide has a section for', () => {
  const headings = (page: string) =>
    textOf(`docs/guide/${page}.md`)
      .split('\n')
      .filter((line) => /^#{2,4} /.test(line))
      .join('\n')

  test('each matcher', () => {
    const names = Object.keys(matchers).filter((name) => !name.startsWith('toEventually'))
    const found = headings('matchers')
    expect(names.filter((name) => !found.includes(name))).toEqual([])
  })

  test('each fault', async () => {
    const mesh = await startMesh(shop, { listen: false })
    const {
      filter: _f,
      refuses: _r,
      onChange: _o,
      revertAll: _a,
      concerns: _c,
      refusesBytes: _b,
      meet: _m,
      faults: _l,
      ...methods
    } = mesh.chaos as unknown as Record<string, unknown>
    await mesh.stop()
    // Those that act on bytes alone stand with the services that carry bytes.
    const found = headings('chaos') + headings('tcp')
    expect(Object.keys(methods).filter((name) => !found.includes(name))).toEqual([])
  })

  test('each code of an error', () => {
    const declared = readFileSync(join(root, 'src', 'errors.ts'), 'utf8').match(/MESH_\w+/g) ?? []
    const found = headings('troubleshooting')
    expect([...new Set(declared)].filter((code) => code !== 'MESH_' && !found.includes(code))).toEqual([])
  })

  test('each option of an edge, of a service and of a mesh', () => {
    const options = readFileSync(join(root, 'src', 'topology', 'options.ts'), 'utf8')
    const names = [...options.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name!)
    const text = textOf('docs/guide/declaring.md') + textOf('docs/guide/policies.md')
    expect([...new Set(names)].filter((name) => !text.includes(`\`${name}`))).toEqual([])
  })
})

describe('links', () => {
  const slug = (heading: string) =>
    heading
      .replace(/^#+ /, '')
      .replace(/[`*]/g, '')
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-')
  const anchorsOf = (page: string) =>
    new Set(
      textOf(page)
        .split('\n')
        .filter((line) => /^#+ /.test(line))
        .map(slug),
    )

  test.each(pages)('of %s lead somewhere', (page) => {
    const targets = [...textOf(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, target]) => target!)
    const broken = targets.filter((target) => {
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : join(dirname(page), path)
      if (!existsSync(join(root, file))) return true
      return anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).has(anchor)
    })
    expect(broken).toEqual([])
  })
})

test('each npm script that a page names is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const named = pages.flatMap((page) => [...textOf(page).matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name!))
  expect([...new Set(named)].filter((name) => !(name in scripts))).toEqual([])
})
