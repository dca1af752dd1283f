import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { defineMesh, http, HttpResponse } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'

const start = meshes()
const has = (command: string, flag: string) => spawnSync(command, [flag]).status === 0

const shop = defineMesh({
  name: 'shop',
  services: {
    app: { underTest: true, calls: { orders: {}, payments: {} } },
    orders: { url: 'http://orders.shop.test', handlers: [http.get('/items', () => HttpResponse.text('items'))] },
    payments: { url: 'https://payments.shop.test', handlers: [http.get('/charges', () => HttpResponse.text('paid'))] },
  },
})

const run = (command: string, args: string[], env: NodeJS.ProcessEnv) =>
  new Promise<string>((resolve) => execFile(command, args, { env }, (_error, out, err) => resolve(out + err)))

/** A folder for what is compiled, as long as the work goes on. */
async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'meshwright-languages-'))
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const inGo = `package main

import (
	"fmt"
	"io"
	"net/http"
)

func main() {
	for _, url := range []string{"http://orders.shop.test/items", "https://payments.shop.test/charges"} {
		response, err := http.Get(url)
		if err != nil {
			fmt.Println(err)
			continue
		}
		body, _ := io.ReadAll(response.Body)
		fmt.Println(response.Proto, response.StatusCode, string(body))
	}
}
`

test.skipIf(!has('go', 'version'))('a program in Go (skipped without go)', { timeout: 300_000 }, () =>
  inFolder(async (folder) => {
    const mesh = await start(shop)
    const binary = join(folder, 'client')
    writeFileSync(join(folder, 'main.go'), inGo)
    const go = { ...process.env, GO111MODULE: 'off', GOFLAGS: '' }
    expect(await run('go', ['build', '-o', binary, join(folder, 'main.go')], go)).toBe('')
    const env = { ...process.env, ...mesh.env('app') }
    expect(await run(binary, [], env)).toBe('HTTP/1.1 200 items\nHTTP/2.0 200 paid\n')
    mesh.chaos.outage('payments')
    expect(await run(binary, [], env)).toMatch(/^HTTP\/1.1 200 items\nGet "https:.* connection reset by peer\n$/)
    expect(mesh.problems).toEqual([])
  }),
)

const inJava = `
import java.net.*;
import java.net.http.*;

public class Client {
  public static void main(String[] args) throws Exception {
    var client = HttpClient.newBuilder().proxy(ProxySelector.getDefault()).build();
    for (var url : new String[] {"http://orders.shop.test/items", "https://payments.shop.test/charges"}) {
      try {
        var answer = client.send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.version() + " " + answer.statusCode() + " " + answer.body());
      } catch (Exception error) {
        System.out.println(error);
      }
    }
  }
}
`

test.skipIf(!has('java', '-version') || !has('javac', '-version'))(
  'a program in Java (skipped without java and javac)',
  { timeout: 300_000 },
  () =>
    inFolder(async (folder) => {
      const mesh = await start(shop)
      const env = { ...process.env, ...mesh.env('app') }
      const store = join(folder, 'trusted.p12')
      const imported = ['-importcert', '-noprompt', '-alias', 'mesh', '-file', mesh.authority.file]
      await run('keytool', [...imported, '-keystore', store, '-storepass', 'changeit'], env)
      writeFileSync(join(folder, 'Client.java'), inJava)
      const { port } = new URL(mesh.proxy('app'))
      const settings = {
        'http.proxyHost': '127.0.0.1',
        'http.proxyPort': port,
        'https.proxyHost': '127.0.0.1',
        'https.proxyPort': port,
        'javax.net.ssl.trustStore': store,
        'javax.net.ssl.trustStorePassword': 'changeit',
      }
      const args = [
        ...Object.entries(settings).map(([name, value]) => `-D${name}=${value}`),
        join(folder, 'Client.java'),
      ]
      expect(await run('java', args, env)).toBe('HTTP_1_1 200 items\nHTTP_2 200 paid\n')
      mesh.chaos.outage('payments')
      expect(await run('java', args, env)).toMatch(/^HTTP_1_1 200 items\n.*(Connection reset|handshake).*\n$/)
      expect(mesh.problems).toEqual([])
    }),
)
