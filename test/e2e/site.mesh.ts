import { defineMesh, http, HttpResponse } from 'meshwright'

// A site and an API of the same registrable domain, so that cookies travel between them; the page itself comes from the mesh.
export const siteUrl = 'https://www.shop.test'
export const apiUrl = 'https://api.shop.test'

const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAQAAAAT4xYKAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=',
  'base64',
)

const document = (body: string) =>
  HttpResponse.html(`<!doctype html><link rel="icon" href="data:,"><body>${body}</body>`)

export const events = (...lines: string[]) =>
  new TextEncoder().encode(lines.map((line) => `data: ${line}\n\n`).join(''))

export const site = defineMesh({
  name: 'site',
  seed: 1,
  services: {
    browser: { underTest: true, calls: { www: {}, api: {} } },
    www: {
      url: siteUrl,
      handlers: [
        http.get('/', () =>
          document('<h1>Shop</h1><img alt="pixel" src="/pixel.svg"><script type="module" src="/app.js"></script>'),
        ),
        http.get('/app.js', () =>
          HttpResponse.text("document.body.dataset.script = 'ran'", { headers: { 'content-type': 'text/javascript' } }),
        ),
        http.get('/pixel.svg', () =>
          HttpResponse.text('<svg xmlns="http://www.w3.org/2000/svg" width="3" height="2"/>', {
            headers: { 'content-type': 'image/svg+xml' },
          }),
        ),
        http.get('/pixel.png', () =>
          HttpResponse.arrayBuffer(pixel.buffer.slice(pixel.byteOffset, pixel.byteOffset + pixel.byteLength), {
            headers: { 'content-type': 'image/png' },
          }),
        ),
        http.get('/form', () =>
          document(
            '<form method="post" action="/login"><input name="user" value="Ada"><button>Sign in</button></form>',
          ),
        ),
        http.post('/login', async ({ request }) => {
          const user = new URLSearchParams(await request.text()).get('user')
          return new HttpResponse(null, {
            status: 302,
            headers: { location: '/home', 'set-cookie': `user=${user}; HttpOnly; Path=/` },
          })
        }),
        http.get('/home', ({ cookies }) => document(`<h1>Hello ${cookies['user']}</h1>`)),
        http.get('/worker.js', () =>
          HttpResponse.text(
            `addEventListener('activate', (event) => event.waitUntil(clients.claim()))
             addEventListener('fetch', (event) => event.respondWith(fetch(event.request)))`,
            { headers: { 'content-type': 'text/javascript' } },
          ),
        ),
        http.get('/away', () => document('<h1>Away</h1>')),
        http.get('/out', () => new HttpResponse(null, { status: 302, headers: { location: 'data:text/plain,out' } })),
      ],
    },
    api: {
      url: apiUrl,
      handlers: [
        http.get('/status/:code', ({ params }) => new HttpResponse(null, { status: Number(params['code']) })),
        http.get('/json', () => HttpResponse.json({ ok: true }, { headers: { etag: '"7"', 'x-total': '12' } })),
        http.all('/echo', async ({ request }) => {
          const { method } = request
          const headers = Object.fromEntries(request.headers)
          return HttpResponse.json({ method, headers, body: await request.text() })
        }),
        http.post('/bytes', async ({ request }) => {
          const bytes = await request.arrayBuffer()
          return HttpResponse.arrayBuffer(bytes, { headers: { 'content-type': 'application/octet-stream' } })
        }),
        http.get('/set-cookies', () => {
          const headers = new Headers([
            ['set-cookie', 'session=s1; HttpOnly; Secure; Path=/'],
            ['set-cookie', 'theme=dark; Secure; Path=/'],
          ])
          return new HttpResponse('set', { headers })
        }),
        http.get('/strict', () =>
          HttpResponse.text('strict', { headers: { 'access-control-allow-origin': 'https://admin.shop.test' } }),
        ),
        http.get(
          '/redirect/:code',
          ({ params }) => new HttpResponse(null, { status: Number(params['code']), headers: { location: '/echo' } }),
        ),
        http.post(
          '/redirect/:code',
          ({ params }) => new HttpResponse(null, { status: Number(params['code']), headers: { location: '/echo' } }),
        ),
        http.get('/loop', () => new HttpResponse(null, { status: 302, headers: { location: '/loop' } })),
        http.get('/to-www', () => HttpResponse.redirect(`${siteUrl}/away`, 302)),
        http.get('/sign-in', () => {
          const headers = { location: '/echo', 'set-cookie': 'token=t1; Secure; Path=/' }
          return new HttpResponse(null, { status: 302, headers })
        }),
        http.get('/events', () => {
          const body = new ReadableStream({
            start(controller) {
              controller.enqueue(events('one', 'two'))
              controller.close()
            },
          })
          return new HttpResponse(body, { headers: { 'content-type': 'text/event-stream' } })
        }),
        http.get('/endless', () => {
          const body = new ReadableStream({ start: (controller) => controller.enqueue(events('first')) })
          return new HttpResponse(body, { headers: { 'content-type': 'text/event-stream' } })
        }),
      ],
    },
  },
})
