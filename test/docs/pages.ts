import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

export const root = join(import.meta.dirname, '..', '..')

/**
 * What is done with a block of code, told by an HTML comment directly before it:
 *
 * - `run: shop` runs it with a mesh of the shop, `run: simulated` in that mesh's virtual time, `run: plain` without one
 * - `prints: <context>` runs it too, and the next block of text is what it logs
 * - `fails: <context>` runs it, and the next block of text is the message of what it throws
 * - `types` only type-checks it
 * - `module` is a file that the other blocks import; its first line names it
 * - `jest: <project>`, `jest-esm: <project>`, `playwright: <project>`, `vitest: <project>`, `node: <project>` is a file of a
 *   project that this runner runs; its first line names it
 * - `excerpt: <path>` stands in that file of this repository, word for word but for the indentation
 * - `not run: <reason>`
 *
 * Code that the reader need not see stands in the comment itself, on the lines after the first.
 */
export interface Block {
  readonly page: string
  /** Of the fence, counted from 1. */
  readonly line: number
  readonly language: string
  readonly code: string
  readonly does: string
  /** The word after the colon: a context, a project, a path. */
  readonly with: string
  /** The block of text that shows what comes of it. */
  readonly shown: { readonly text: string; readonly fromLine: number; readonly toLine: number } | undefined
}

/** Every page for people, by its path from the root. */
export const pages: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort(),
]

export const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')

const languages = new Set(['ts', 'tsx', 'js', 'mjs', 'cjs'])
const shows = new Set(['prints', 'fails'])

interface Fence {
  readonly language: string
  readonly from: number
  readonly to: number
}

/** The comment that ends on the last line before `line` which is not empty. */
function commentBefore(lines: readonly string[], line: number): string | undefined {
  let end = line - 1
  while (end >= 0 && lines[end]!.trim() === '') end--
  if (end < 0 || !lines[end]!.trimEnd().endsWith('-->')) return undefined
  let start = end
  while (start >= 0 && !lines[start]!.trimStart().startsWith('<!--')) start--
  if (start < 0) return undefined
  const text = lines.slice(start, end + 1).join('\n')
  return text.trim().slice('<!--'.length, -'-->'.length).trim()
}

function fencesOf(lines: readonly string[]): Fence[] {
  const fences: Fence[] = []
  for (let i = 0; i < lines.length; i++) {
    const [, language] = /^```(\w*)/.exec(lines[i]!) ?? []
    if (language === undefined) continue
    const from = i
    while (++i < lines.length && !lines[i]!.startsWith('```'));
    fences.push({ language, from, to: i })
  }
  return fences
}

export function blocksOf(page: string): Block[] {
  const lines = textOf(page).split('\n')
  const fences = fencesOf(lines)
  const inside = (fence: Fence | undefined) => fence && lines.slice(fence.from + 1, fence.to).join('\n')
  return fences.flatMap((fence, index): Block[] => {
    const comment = commentBefore(lines, fence.from) ?? ''
    const [head = '', ...hidden] = comment.split('\n')
    const [, does = '', argument = ''] = /^([a-z-]+(?: run)?)(?:: *(.*))?$/.exec(head.trim()) ?? []
    const isText = fence.language === 'text'
    if (isText ? hidden.length === 0 : !languages.has(fence.language)) return []
    const next = isText ? fence : fences[index + 1]
    const hasShown = shows.has(does) && next?.language === 'text'
    return [
      {
        page,
        line: fence.from + 1,
        language: isText ? 'ts' : fence.language,
        code: isText ? hidden.join('\n') : inside(fence)!,
        does,
        with: argument,
        shown: hasShown ? { text: inside(next)!, fromLine: next.from + 1, toLine: next.to } : undefined,
      },
    ]
  })
}

export const blocks: readonly Block[] = pages.flatMap(blocksOf)

export const titleOf = ({ page, line }: Block): string => `${page}:${line}`

/** `README.md`, line 12: `readme-12`. */
export const fileNameOf = ({ page, line }: Block): string =>
  `${page
    .replace(/^docs\//, '')
    .replace(/\.md$/, '')
    .replace(/\W+/g, '-')
    .toLowerCase()}-${line}`
