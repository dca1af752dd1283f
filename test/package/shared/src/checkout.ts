// The code under test. It knows the address of the orders service and nothing of a mesh.
export interface Order {
  orderId: string
  status: 'pending' | 'completed'
}

const url = 'https://orders.shop.test/orders'

export async function checkout(itemId: string, quantity: number): Promise<Order> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ itemId, quantity }),
  })
  if (!response.ok) throw new Error(`checkout failed with ${response.status}`)
  return (await response.json()) as Order
}

export async function checkoutEverySecondFor(ms: number): Promise<number> {
  const endMs = Date.now() + ms
  let count = 0
  for (; Date.now() < endMs; count++) {
    await checkout('XYZ123', 1)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
  return count
}
