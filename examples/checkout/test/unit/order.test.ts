import { afterPayment } from '../../orders/order.mjs'

describe('an order', () => {
  test.each([
    ['pending', 'charged', 'completed'],
    ['pending', 'declined', 'declined'],
    ['pending', 'unanswered', 'pending'],
    ['completed', 'charged', 'completed'],
    ['completed', 'unanswered', 'completed'],
    ['declined', 'unanswered', 'declined'],
  ] as const)('%s and %s is %s', (state, result, next) => {
    expect(afterPayment(state, result)).toBe(next)
  })

  test.each([
    ['completed', 'declined'],
    ['declined', 'charged'],
  ] as const)('%s is never %s afterwards', (state, result) => {
    expect(() => afterPayment(state, result)).toThrow(`an order that is ${state} cannot be ${result}`)
  })
})
