/**
 * The life of an order. Nothing but a charge completes one: that is the promise which the tests of this example put to
 * the proof.
 *
 *     pending --charged--> completed
 *        |------declined--> declined
 *        '----unanswered--> pending
 *
 * @typedef {'pending' | 'completed' | 'declined'} OrderState
 * @typedef {'charged' | 'declined' | 'unanswered'} PaymentResult
 * @typedef {{ id: string, itemId: string, quantity: number, amount: number, state: OrderState, traceparent?: string }} Order
 */

/** @type {Record<OrderState, Partial<Record<PaymentResult, OrderState>>>} */
const transitions = {
  pending: { charged: 'completed', declined: 'declined', unanswered: 'pending' },
  // A charge that is confirmed twice is the same charge: its idempotency key is the id of the order.
  completed: { charged: 'completed', unanswered: 'completed' },
  declined: { declined: 'declined', unanswered: 'declined' },
}

/**
 * @param {OrderState} state
 * @param {PaymentResult} result
 * @returns {OrderState}
 */
export function afterPayment(state, result) {
  const next = transitions[state][result]
  if (!next) throw new Error(`an order that is ${state} cannot be ${result}`)
  return next
}
