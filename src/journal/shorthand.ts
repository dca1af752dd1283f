import type { EntryData, EntryType } from './entry.ts'

/** An entry before it has its number and, unless it says otherwise, with the time of the whole. */
export type Draft<T extends EntryType = EntryType> = {
  [K in T]: { readonly type: K; readonly t?: number } & Readonly<EntryData[K]>
}[T]

/**
 * A way to write several entries with one stroke: on the busy road one short note is kept, and its words are found when
 * somebody reads the journal. A note is plain JSON, so that it can leave memory and come back; `write` is a pure function
 * of it, so that the words are the same whenever they are found.
 */
export interface Shorthand<Note> {
  /** The types of all entries that `write` gives, in their order. Their number is what a note counts for. */
  readonly types: readonly EntryType[]
  /** The entries that a note stands for. A draft without `t` has the time of the note. */
  write(note: Note): readonly Draft[]
}

/** A note as the journal keeps it until it is read. */
export interface Noted {
  readonly seq: number
  readonly t: number
  readonly shorthand: Shorthand<unknown>
  readonly note: unknown
}
