/** @import { Order, OrderState } from './order.mjs' */
import sqlite from 'node-sqlite3-wasm'

/**
 * The orders in a file of SQLite.
 *
 * @param {string} file
 */
export function openStore(file) {
  const database = new sqlite.Database(file)
  database.exec('PRAGMA busy_timeout = 2000')
  database.exec(`CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY,
    item_id TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    amount REAL NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'completed', 'declined')),
    traceparent TEXT
  )`)
  /** @param {any} row @returns {Order} */
  const orderFrom = ({ id, item_id: itemId, quantity, amount, state, traceparent }) => ({
    id,
    itemId,
    quantity,
    amount,
    state,
    ...(traceparent && { traceparent }),
  })
  return {
    /** @param {Order} order */
    add({ id, itemId, quantity, amount, state, traceparent }) {
      database.run('INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)', [
        id,
        itemId,
        quantity,
        amount,
        state,
        traceparent ?? null,
      ])
    },
    /** @param {string} id */
    find(id) {
      const row = database.get('SELECT * FROM orders WHERE id = ?', [id])
      return row ? orderFrom(row) : undefined
    },
    pending: () => database.all(`SELECT * FROM orders WHERE state = 'pending' ORDER BY rowid`).map(orderFrom),
    /** @param {string} id @param {OrderState} state */
    setState(id, state) {
      database.run('UPDATE orders SET state = ? WHERE id = ?', [state, id])
    },
    close: () => database.close(),
  }
}
