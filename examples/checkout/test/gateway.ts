import { http, HttpResponse } from 'meshwright'

export interface Charge {
  readonly orderId: string
  readonly amount: number
}

/**
 * A payment gateway that keeps books: one charge for each idempotency key, however often it is asked.
 * Put it in place with `mesh.service('payments').use(...gateway.handlers)`.
 */
export function createGateway() {
  const charges = new Map<string, Charge>()
  let requests = 0
  return {
    /** What customers have paid. */
    get charges(): Charge[] {
      return [...charges.values()]
    },
    get requests() {
      return requests
    },
    handlers: [
      http.post('/charges', async ({ request }) => {
        requests++
        const { amount } = (await request.json()) as { amount: number }
        // Without a key, each request is a charge of its own.
        const key = request.headers.get('idempotency-key') ?? `no key ${requests}`
        if (!charges.has(key)) charges.set(key, { orderId: key, amount })
        return HttpResponse.json({ charged: true }, { status: 201 })
      }),
    ],
  }
}
