import type { Entry } from '../journal/entry.ts'
import type { Journal } from '../journal/journal.ts'
import { shownMs } from './journal-time.ts'
import { counted, cut, escaped } from './markup.ts'

const head = 1_000
const tail = 500
const maxCharacters = 600

/**
 * The journal as a part of the HTML report: closed until asked for, with a field that filters its lines. Shows the first
 * 1,000 and the last 500 entries, and 600 characters of each.
 */
export function htmlJournal({ entries }: Journal): string {
  const left = entries.length - head - tail
  const shown = left > 0 ? [...entries.slice(0, head), ...entries.slice(-tail)] : entries
  const rows = shown.map(row)
  if (left > 0)
    rows.splice(head, 0, `<tr class="gap"><td colspan="4">... ${counted(left, 'more entry', 'more entries')}</td></tr>`)
  const types = [...new Set(shown.map(({ type }) => type))].sort()
  return [
    `<section id="journal"><details><summary><h2>Journal</h2> ${counted(entries.length, 'entry', 'entries')}</summary>`,
    '<p class="filters"><label>Filter <input type="search" placeholder="an edge, a call, a fault ..." autocomplete="off"></label>',
    `<label>Type <select><option value="">all</option>${types.map((type) => `<option>${escaped(type)}</option>`).join('')}</select></label>`,
    `<output>${shown.length} lines</output></p>`,
    '<div class="wide"><table class="journal"><tbody>',
    ...rows,
    '</tbody></table></div></details></section>',
  ].join('\n')
}

function row({ seq, t, type, ...data }: Entry): string {
  return `<tr data-type="${escaped(type)}"><td class="n">${seq}</td><td class="n">${shownMs(t)}</td><td>${escaped(type)}</td><td>${escaped(cut(words(data), maxCharacters))}</td></tr>`
}

/** `edge orders->payments, attempt 0`: JSON without its quotes where nothing is lost by it. */
const words = (data: Record<string, unknown>) =>
  Object.entries(data)
    .map(([key, value]) => `${key} ${typeof value === 'string' ? value : (JSON.stringify(value) ?? '–')}`)
    .join(', ')
