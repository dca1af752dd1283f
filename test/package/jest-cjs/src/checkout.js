const https = require('node:https')

const url = 'https://orders.shop.test/orders'

exports.checkout = async function checkout(itemId, quantity) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ itemId, quantity }),
  })
  if (!response.ok) throw new Error(`checkout failed with ${response.status}`)
  return response.json()
}

/** The same with the older client, which many services still use. */
exports.checkoutByRequest = (itemId, quantity) =>
  new Promise((resolve, reject) => {
    const request = https.request(
      url,
      { method: 'POST', headers: { 'content-type': 'application/json' } },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk) => (text += chunk))
        response.on('end', () => resolve(JSON.parse(text)))
        response.on('error', reject)
      },
    )
    request.on('error', reject)
    request.end(JSON.stringify({ itemId, quantity }))
  })

exports.checkoutEverySecondFor = async function checkoutEverySecondFor(ms) {
  const endMs = Date.now() + ms
  let count = 0
  for (; Date.now() < endMs; count++) {
    await exports.checkout('XYZ123', 1)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
  return count
}
