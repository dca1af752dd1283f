/** What can stand in a queue. `slot` belongs to the queue: the place in its heap, -1 while outside. */
export interface Queued {
  whenMs: number
  /** The order of issue, which breaks ties. */
  seq: number
  slot: number
}

const before = (a: Queued, b: Queued) => a.whenMs < b.whenMs || (a.whenMs === b.whenMs && a.seq < b.seq)

/** A binary heap by (whenMs, seq) in which each item knows its place, so that clearing a timer costs as little as setting one. */
export class TimerQueue<T extends Queued> {
  #heap: T[] = []

  get size(): number {
    return this.#heap.length
  }

  /** The earliest item. */
  get first(): T | undefined {
    return this.#heap[0]
  }

  add(item: T): void {
    this.#heap.push(item)
    this.#rise(item, this.#heap.length - 1)
  }

  /** Takes the item out; does nothing when it is not in. */
  remove(item: T): void {
    const hole = item.slot
    if (hole < 0) return
    item.slot = -1
    const last = this.#heap.pop()!
    if (last === item) return
    this.#sink(last, hole)
    this.#rise(last, last.slot)
  }

  clear(): void {
    for (const item of this.#heap) item.slot = -1
    this.#heap = []
  }

  #rise(item: T, from: number): void {
    let slot = from
    while (slot > 0) {
      const up = (slot - 1) >> 1
      const parent = this.#heap[up]!
      if (!before(item, parent)) break
      this.#place(parent, slot)
      slot = up
    }
    this.#place(item, slot)
  }

  #sink(item: T, from: number): void {
    let slot = from
    for (;;) {
      let down = 2 * slot + 1
      let child = this.#heap[down]
      if (!child) break
      const right = this.#heap[down + 1]
      if (right && before(right, child)) {
        child = right
        down++
      }
      if (!before(child, item)) break
      this.#place(child, slot)
      slot = down
    }
    this.#place(item, slot)
  }

  #place(item: T, slot: number): void {
    this.#heap[slot] = item
    item.slot = slot
  }
}
