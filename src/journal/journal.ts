import { createHash } from 'node:crypto'
import { MeshError } from '../errors.ts'
import { describeValue } from '../nearest.ts'
import { Archive } from './archive.ts'
import type { Entry, EntryData, EntryType } from './entry.ts'
import type { Noted, Shorthand } from './shorthand.ts'

type Where<T extends EntryType> = { type?: T | readonly T[] } & Partial<{
  edge: string
  service: string
  call: string
  fault: string
}> & { [key: string]: unknown }

/** The append-only record of everything that happened, in order, with the clock's time. Readers get this face. */
export interface Journal {
  /** All entries so far; later ones do not come to a list that was read before. */
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
  /**
   * Calls `listener` after each new entry, of these types if any are named. What it throws becomes an unhandled rejection.
   * Returns the undo.
   */
  subscribe(listener: (entry: Entry) => void, types?: readonly EntryType[]): () => void
}

export interface Recorder extends Journal {
  record<T extends EntryType>(type: T, data: EntryData[T]): void
  /** Writes the entries that `note` stands for, now; their words are found when they are read. */
  jot<Note>(shorthand: Shorthand<Note>, note: Note): void
}

export interface JournalOptions {
  /** Entries kept in memory; older ones go to a temporary file, from which readers get them back. Default 200,000. */
  readonly inMemory?: number
}

/** What stands in the archive: an entry, or a note with the place of its shorthand in the list of those used. */
type Archived = Entry | { readonly seq: number; readonly t: number; readonly by: number; readonly note: unknown }

/** One for each `subscribe`, for one listener may be told of several types in several ways. */
interface Subscription {
  readonly listener: (entry: Entry) => void
  readonly wanted: ReadonlySet<EntryType> | undefined
}

const isNoted = (item: Entry | Noted): item is Noted => 'shorthand' in item

const rounded = (ms: number) => Math.round(ms * 1000) / 1000

/** `now` gives milliseconds since the start of the mesh. */
export function createJournal(now: () => number, { inMemory = 200_000 }: JournalOptions = {}): Recorder {
  /** Oldest first; what stands before `head` is in the archive. */
  let kept: (Entry | Noted)[] = []
  let head = 0
  /** Notes among them, where the first of them is, and the entries that all of them count for. */
  let notes = 0
  let firstNote = 0
  let size = 0
  let seq = 0
  const shorthands: Shorthand<unknown>[] = []
  let archive: Archive<Archived> | undefined
  let whole: { readonly seq: number; readonly entries: readonly Entry[] } | undefined
  const index = { byType: new Map<EntryType, Entry[]>(), done: 0 }
  const listeners = new Set<Subscription>()

  const makeRoom = () => {
    archive ??= new Archive()
    while (size > inMemory) {
      const item = kept[head]!
      kept[head++] = undefined as never
      if (isNoted(item)) {
        const { shorthand, note, ...place } = item
        let by = shorthands.indexOf(shorthand)
        if (by === -1) by = shorthands.push(shorthand) - 1
        archive.put({ ...place, by, note })
        notes--
        size -= shorthand.types.length
      } else {
        archive.put(item)
        size--
      }
    }
    // Taking the first item away one by one would move all others each time.
    if (head > 1024 && head * 2 > kept.length) dropArchived()
  }

  const dropArchived = () => {
    kept = kept.slice(head)
    firstNote = Math.max(0, firstNote - head)
    head = 0
    index.byType.clear()
    index.done = 0
  }

  const record = <T extends EntryType>(type: T, data: EntryData[T]): void => {
    // The generic T cannot be narrowed to one member of the union; the shape is right by construction.
    const entry = Object.freeze({ seq: seq++, t: rounded(now()), type, ...data }) as unknown as Entry
    kept.push(entry)
    size++
    if (size > inMemory) makeRoom()
    if (listeners.size > 0) tellAll(entry)
  }

  const jot = <Note>(shorthand: Shorthand<Note>, note: Note): void => {
    const noted: Noted = { seq, t: rounded(now()), shorthand: shorthand as Shorthand<unknown>, note }
    seq += shorthand.types.length
    if (notes++ === 0) firstNote = kept.length
    kept.push(noted)
    size += shorthand.types.length
    if (size > inMemory) makeRoom()
    if (listeners.size > 0 && isAwaited(shorthand.types)) for (const entry of expanded(noted)) tellAll(entry)
  }

  const isAwaited = (types: readonly EntryType[]) => {
    for (const { wanted } of listeners) if (!wanted || types.some((type) => wanted.has(type))) return true
    return false
  }

  const tellAll = (entry: Entry) => {
    for (const { listener, wanted } of listeners) if (!wanted || wanted.has(entry.type)) tell(listener, entry)
  }

  /** Puts the notes in memory into words, for good. */
  const writeOut = (): readonly Entry[] => {
    if (head > 0) dropArchived()
    // What was read before is in words already: only the end of the list has notes.
    if (notes > 0) for (const item of kept.splice(firstNote)) kept.push(...(isNoted(item) ? expanded(item) : [item]))
    notes = 0
    return kept as Entry[]
  }

  function* archived(types?: readonly EntryType[]): Generator<Entry> {
    for (const item of archive ?? []) {
      if (!('by' in item)) yield Object.freeze(item)
      else {
        const shorthand = shorthands[item.by]!
        if (!types || types.some((type) => shorthand.types.includes(type))) yield* expanded({ ...item, shorthand })
      }
    }
  }

  const all = (): readonly Entry[] => {
    // A list of its own, for notes that come later go into `kept` before they are put into words.
    if (whole?.seq !== seq) whole = { seq, entries: [...archived(), ...writeOut()] }
    return whole.entries
  }

  function* each(): Generator<Entry> {
    yield* archived()
    yield* writeOut()
  }

  const ofTypes = (types: readonly EntryType[] | undefined): readonly Entry[] => {
    if (!types) return archive ? all() : writeOut()
    const recent = writeOut()
    for (; index.done < recent.length; index.done++) {
      const entry = recent[index.done]!
      const same = index.byType.get(entry.type)
      if (same) same.push(entry)
      else index.byType.set(entry.type, [entry])
    }
    const found =
      types.length === 1
        ? (index.byType.get(types[0]!) ?? [])
        : recent.filter(({ type }) => (types as readonly EntryType[]).includes(type))
    if (!archive) return found
    // While all of it is at hand anyhow, the file need not be read and put into words again.
    if (whole?.seq === seq) return whole.entries.filter(({ type }) => types.includes(type))
    return [...[...archived(types)].filter(({ type }) => types.includes(type)), ...found]
  }

  return {
    get entries() {
      return all()
    },
    record,
    jot,
    where<T extends EntryType>({ type, ...fields }: Where<T>) {
      const types = type === undefined ? undefined : Array.isArray(type) ? (type as T[]) : [type as T]
      const wanted = Object.entries(fields).filter(([, value]) => value !== undefined)
      return ofTypes(types).filter((entry) =>
        wanted.every(([key, value]) => (entry as Record<string, unknown>)[key] === value),
      ) as unknown as Entry<T>[]
    },
    toJSONL: () => Array.from(each(), line).join(''),
    hash() {
      const hash = createHash('sha256')
      for (const entry of each()) hash.update(line(entry))
      return hash.digest('hex')
    },
    note: (text, data) => void record('note', data === undefined ? { text } : { text, data: jsonOf(data) }),
    subscribe(listener, types) {
      if (typeof listener !== 'function')
        throw invalid(`expected the listener to be a function, got ${describeValue(listener)}`)
      if (types !== undefined && !Array.isArray(types))
        throw invalid(`expected a list of types, got ${describeValue(types)}`)
      const subscription: Subscription = { listener, wanted: types && new Set(types) }
      listeners.add(subscription)
      return () => listeners.delete(subscription)
    },
  }
}

const invalid = (what: string) => new MeshError('MESH_INVALID_OPTION', `journal.subscribe: ${what}`)

const line = (entry: Entry) => JSON.stringify(entry) + '\n'

function expanded({ seq, t, shorthand, note }: Noted): Entry[] {
  return shorthand
    .write(note)
    .map(({ type, ...data }, nth) => Object.freeze({ seq: seq + nth, t, type, ...data }) as unknown as Entry)
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
