import { MeshError } from '../errors.ts'
import {
  integer,
  isBytes,
  isPlainObject,
  number,
  options,
  pathOf,
  text,
  unexpected,
  type Check,
  type Place,
} from './checks.ts'

/** Levels of nesting in a JSON body; a value that goes deeper is taken for a mistake. */
const jsonDepthLimit = 200

/** Statuses that forbid a body: https://www.rfc-editor.org/rfc/rfc9110 (sections 15.3.5, 15.3.6 and 15.4.5). */
const bodiless: readonly unknown[] = [204, 205, 304]

export const status: Check = integer({ atLeast: 200, atMost: 599 })

/** What JSON would drop or change without a word (a function, NaN, a Map) is refused. */
function jsonValue(value: unknown, place: Place, within: readonly unknown[] = []): void {
  const refuse = (what: string) => unexpected(place, what, value)
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return
    case 'number':
      if (!Number.isFinite(value)) throw refuse('a value that JSON can carry')
      return
    case 'object':
      break
    default:
      throw refuse('a value that JSON can carry')
  }
  if (value === null || 'toJSON' in value) return
  if (within.includes(value)) throw refuse('JSON without a reference to itself')
  if (within.length >= jsonDepthLimit) throw refuse(`JSON of at most ${jsonDepthLimit} levels`)
  const next = [...within, value]
  if (Array.isArray(value))
    value.forEach((each, index) => jsonValue(each, { owner: place.owner, key: `${place.key}[${index}]` }, next))
  else if (isPlainObject(value))
    for (const [key, each] of Object.entries(value)) jsonValue(each, { owner: pathOf(place), key }, next)
  else throw refuse('a value that JSON can carry')
}

const headerName = /^[!#$%&'*+.^_`|~\w-]+$/

const headers: Check = (value, place) => {
  if (!isPlainObject(value)) throw unexpected(place, 'a plain object of header values', value)
  const owner = pathOf(place)
  for (const [key, given] of Object.entries(value)) {
    if (!headerName.test(key)) throw unexpected({ owner, key: '' }, 'header names to be HTTP tokens', key)
    const values: readonly unknown[] = Array.isArray(given) ? given : [given]
    for (const each of values)
      if (typeof each !== 'string' || /[\r\n\0]/.test(each))
        throw unexpected({ owner, key }, 'a string (or an array of strings) without line breaks', given)
  }
}

const bytes: Check = (value, place) => {
  if (isBytes(value)) return
  throw unexpected(place, 'a Uint8Array', value, { fix: 'For text use `text`, for JSON `json`.' })
}

const fields = options({
  status,
  json: jsonValue,
  text,
  body: bytes,
  headers,
  delayMs: number({ atLeast: 0 }),
})

/** Checks a {@link ReplySpec}: a status, or an object with at most one of `json`, `text` and `body`. */
export const replySpec: Check = (value, place) => {
  if (typeof value === 'number') return status(value, place)
  if (!isPlainObject(value))
    throw unexpected(place, 'a status or a reply ({ status, json, text, body, headers, delayMs })', value, {
      fix: replyFix(value),
    })
  fields(value, place)
  const contents = ['json', 'text', 'body'].filter((key) => value[key] !== undefined)
  if (contents.length > 1)
    throw new MeshError(
      'MESH_INVALID_OPTION',
      `${pathOf(place)}: expected at most one of \`json\`, \`text\` and \`body\`, got ${contents.join(' and ')}`,
    )
  if (contents.length > 0 && bodiless.includes(value['status']))
    throw new MeshError(
      'MESH_INVALID_OPTION',
      `${pathOf(place)}: expected no body with status ${String(value['status'])}, got \`${contents[0]}\``,
    )
}

function replyFix(value: unknown): string | undefined {
  if (typeof value === 'string') return `For a text body write { text: ${JSON.stringify(value)} }.`
  if (Object.prototype.toString.call(value) === '[object Response]')
    return 'Write it as data: { status: 202, json: {...} }; a Response can be read only once.'
  return typeof value === 'function' ? 'Write the reply as data; a handler can compute one.' : undefined
}
