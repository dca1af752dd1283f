/** @import { Order } from './order.mjs' */
import { randomUUID } from 'node:crypto'
import { context, propagation, ROOT_CONTEXT } from '@opentelemetry/api'
import { afterPayment } from './order.mjs'

/**
 * @param {{
 *   store: ReturnType<typeof import('./store.mjs').openStore>,
 *   catalog: ReturnType<typeof import('./catalog.mjs').createCatalog>,
 *   payments: ReturnType<typeof import('./payments.mjs').createPayments>,
 * }} parts
 */
export function createCheckout({ store, catalog, payments }) {
  const underWay = new Set()

  /** Asks for the money and writes down what became of it. @param {Order} order @returns {Promise<Order>} */
  async function settle(order) {
    underWay.add(order.id)
    try {
      const result = await payments.charge(order)
      const state = afterPayment(order.state, result)
      if (state !== order.state) store.setState(order.id, state)
      return { ...order, state }
    } finally {
      underWay.delete(order.id)
    }
  }

  return {
    /** @param {{ itemId: string, quantity: number }} wanted @returns {Promise<Order | 'unknown-item' | 'out-of-stock'>} */
    async place({ itemId, quantity }) {
      const item = await catalog.item(itemId)
      if (!item) return 'unknown-item'
      if (item.stock < quantity) return 'out-of-stock'
      /** @type {{ traceparent?: string }} */
      const trace = {}
      propagation.inject(context.active(), trace)
      const amount = Math.round(item.price * quantity * 100) / 100
      /** @type {Order} */
      const order = { id: randomUUID(), itemId, quantity, amount, state: 'pending', ...trace }
      // Written down before the money is asked for: after a crash the order is there to be settled.
      store.add(order)
      return settle(order)
    },
    /** Settles what was left open, one by one. */
    async sweep() {
      for (const order of store.pending()) {
        if (underWay.has(order.id)) continue
        // A later try belongs to the trace of the request that placed the order.
        await context.with(propagation.extract(ROOT_CONTEXT, order), () => settle(order))
      }
    },
  }
}
