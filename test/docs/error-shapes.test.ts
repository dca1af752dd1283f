import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { expect, test } from 'vitest'
import type { NetworkFailure } from '../../src/call/reply.ts'
import { clients } from '../support/clients.ts'
import type { ClientName } from '../support/clients.ts'
import { errorShapes } from '../support/error-shapes.ts'
import type { ErrorShape } from '../support/error-shapes.ts'
import { root } from './pages.ts'

const page = join(root, 'docs', 'guide', 'error-shapes.md')
const [begin, end] = ['<!-- generated: shapes -->', '<!-- generated: end -->']

/** Which fault ends as which failure; what a page adds is not in the data. */
const faults: Record<NetworkFailure, string> = {
  refused: 'Refused: `chaos.outage`, `chaos.flap`',
  reset: 'Reset before the headers: `chaos.reset`',
  closed: 'Closed before the headers: `chaos.truncate` on an answer without a body',
  hung: 'No answer: `chaos.hang`, `chaos.loseReply`, `chaos.partition`',
  truncated: 'Closed in the body: `chaos.truncate`',
  'reset-mid-body': "Reset in the body: `chaos.reset` with `at: 'mid-body'`",
}

const code = (text: string) => `\`${text}\``

function words({ name, message, code: value, syscall, cause }: ErrorShape): string {
  const own = [
    `${code(name)} ${code(message)}`,
    ...(value === undefined ? [] : [`code ${code(String(value))}`]),
    ...(syscall === undefined ? [] : [`syscall ${code(syscall)}`]),
  ].join(', ')
  return cause ? `${own}; cause: ${words(cause)}` : own
}

function tables(): string {
  return (Object.keys(errorShapes) as NetworkFailure[])
    .map((failure) =>
      [
        `## ${faults[failure]}`,
        '',
        '| client | error |',
        '| --- | --- |',
        ...(Object.keys(clients) as ClientName[]).map(
          (client) => `| ${code(client)} | ${words(errorShapes[failure][client])} |`,
        ),
        '',
      ].join('\n'),
    )
    .join('\n')
}

// The data itself is held to be true by test/unit/transport/error-shapes.test.ts, in process and over real sockets.
test('the page of error shapes is what the transports are tested with (vitest -u writes it down)', async () => {
  const text = readFileSync(page, 'utf8')
  const [before, rest] = text.split(begin)
  const after = rest?.split(end)[1]
  expect(after, `${page} has the marks ${begin} and ${end}`).toBeDefined()
  const written = await format(`${before}${begin}\n\n${tables()}\n${end}${after}`, {
    ...(await resolveConfig(page)),
    parser: 'markdown',
  })
  await expect(written).toMatchFileSnapshot(page)
})
