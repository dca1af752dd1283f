import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Lines are written in blocks of about this many characters; smaller ones would spend their time in the system. */
const blockCharacters = 64 * 1024

interface Block {
  readonly position: number
  readonly bytes: number
}

// Holds nothing by itself: a file goes with the archive that nobody can read any more.
const forgotten = new FinalizationRegistry((close: () => void) => close())

/**
 * Where a journal keeps what it has no room for in memory: JSON lines in a private temporary file, in order. Writing is
 * synchronous, a block at a time into the system's cache, so nothing is under way when the process ends. Where the system
 * allows it the file has no name any more once it is open, so that it is gone with the process however that ends;
 * elsewhere it is deleted at exit.
 */
export class Archive<Item> {
  readonly #file: number
  readonly #blocks: Block[] = []
  #lines: string[] = []
  #characters = 0
  #position = 0
  #size = 0

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), 'meshwright-journal-'))
    const file = openSync(join(folder, 'entries.jsonl'), 'wx+', 0o600)
    const remove = () => rmSync(folder, { recursive: true, force: true })
    let isOpen = true
    const close = () => {
      if (!isOpen) return
      isOpen = false
      process.off('exit', close)
      closeSync(file)
      remove()
    }
    try {
      remove()
    } catch {
      process.once('exit', close)
    }
    this.#file = file
    forgotten.register(this, close)
  }

  /** Items put away so far. */
  get size(): number {
    return this.#size
  }

  put(item: Item): void {
    const line = JSON.stringify(item)
    this.#lines.push(line)
    this.#characters += line.length + 1
    this.#size++
    if (this.#characters >= blockCharacters) this.#flush()
  }

  /** All items, from the first. */
  *[Symbol.iterator](): Generator<Item> {
    this.#flush()
    for (const { position, bytes } of this.#blocks) {
      const buffer = Buffer.allocUnsafe(bytes)
      readSync(this.#file, buffer, 0, bytes, position)
      for (const line of buffer.toString('utf8').split('\n')) if (line !== '') yield JSON.parse(line) as Item
    }
  }

  #flush(): void {
    if (this.#lines.length === 0) return
    const bytes = Buffer.from(this.#lines.join('\n') + '\n')
    writeSync(this.#file, bytes, 0, bytes.length, this.#position)
    this.#blocks.push({ position: this.#position, bytes: bytes.length })
    this.#position += bytes.length
    this.#lines = []
    this.#characters = 0
  }
}
