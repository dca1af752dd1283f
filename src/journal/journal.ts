import { createHash } from 'node:crypto'
import { MeshError } from '../errors.ts'
import { describeValue } from '../nearest.ts'
import type { Entry, EntryData, EntryType } from './entry.ts'

type Where<T extends EntryType> = { type?: T | readonly T[] } & Partial<{
  edge: string
  service: string
  call: string
  fault: string
}> & { [key: string]: unknown }

/** The append-only record of everything that happened, in order, with the clock's time. Readers get this face. */
export interface Journal {
  readonly entries: readonly Entry[]
  /** Entries whose fields equal all the given ones; `type` may be a list. Unknown field names match nothing. */
  where<T extends EntryType = EntryType>(filter: Where<T>): Entry<T>[]
  /** One JSON object a line, keys in a fixed order, so the same history gives the same bytes. */
  toJSONL(): string
  /** SHA-256 of {@link toJSONL}, in hex: the same hash is the same history. */
  hash(): string
  /**
   * Writes a line of your own, to find your place in the journal later. `data` is kept as JSON has it, as it is now.
   *
   * @throws MeshError MESH_INVALID_OPTION for data that JSON cannot carry.
   */
  note(text: string, data?: unknown): void
  /** Calls `listener` after each new entry. What it throws becomes an unhandled rejection. Returns the undo. */
  subscribe(listener: (entry: Entry) => void): () => void
}

export interface Recorder extends Journal {
  record<T extends EntryType>(type: T, data: EntryData[T]): Entry<T>
}

const rounded = (ms: number) => Math.round(ms * 1000) / 1000

/** `now` gives milliseconds since the start of the mesh. */
export function createJournal(now: () => number): Recorder {
  const entries: Entry[] = []
  const byType = new Map<string, Entry[]>()
  const listeners = new Set<(entry: Entry) => void>()

  const record = <T extends EntryType>(type: T, data: EntryData[T]): Entry<T> => {
    // The generic T cannot be narrowed to one member of the union; the shape is right by construction.
    const entry = Object.freeze({ seq: entries.length, t: rounded(now()), type, ...data }) as unknown as Entry
    entries.push(entry)
    const same = byType.get(type)
    if (same) same.push(entry)
    else byType.set(type, [entry])
    for (const listener of listeners) tell(listener, entry)
    return entry as unknown as Entry<T>
  }

  const toJSONL = () => entries.map((entry) => JSON.stringify(entry) + '\n').join('')

  return {
    entries,
    record,
    where<T extends EntryType>({ type, ...fields }: Where<T>) {
      const types = type === undefined ? undefined : Array.isArray(type) ? (type as T[]) : [type as T]
      const pool =
        types?.length === 1
          ? (byType.get(types[0]!) ?? [])
          : types
            ? entries.filter((e) => types.includes(e.type as T))
            : entries
      const wanted = Object.entries(fields).filter(([, value]) => value !== undefined)
      return pool.filter((entry) =>
        wanted.every(([key, value]) => (entry as Record<string, unknown>)[key] === value),
      ) as unknown as Entry<T>[]
    },
    toJSONL,
    hash: () => createHash('sha256').update(toJSONL()).digest('hex'),
    note: (text, data) => void record('note', data === undefined ? { text } : { text, data: jsonOf(data) }),
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Who writes into the journal is in the middle of something, and must not be stopped there by who reads it. */
function tell(listener: (entry: Entry) => void, entry: Entry): void {
  try {
    listener(entry)
  } catch (error) {
    void Promise.reject(error)
  }
}

function jsonOf(data: unknown): unknown {
  let text: string | undefined
  let cause: unknown
  try {
    text = JSON.stringify(data)
  } catch (error) {
    cause = error
  }
  if (text === undefined)
    throw new MeshError('MESH_INVALID_OPTION', `journal.note: JSON cannot carry ${describeValue(data)}`, { cause })
  return JSON.parse(text)
}
