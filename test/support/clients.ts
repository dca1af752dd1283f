import http from 'node:http'
import https from 'node:https'
import axios from 'axios'
import got from 'got'
import { request as undiciRequest } from 'undici'

export interface HttpAnswer {
  status: number
  headers: http.IncomingHttpHeaders
  rawHeaders: string[]
  body: Buffer
}

/** One request with Node's own client, its response read to the end. */
export function send(url: string, options: https.RequestOptions = {}, body?: string | Uint8Array): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = (url.startsWith('https:') ? https : http).request(url, options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          rawHeaders: response.rawHeaders,
          body: Buffer.concat(chunks),
        }),
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** The HTTP clients that code under test uses, each reading a whole response as text. */
export const clients = {
  fetch: async (url: string, signal?: AbortSignal) => (await fetch(url, { signal })).text(),
  'http.request': async (url: string, signal?: AbortSignal) => (await send(url, { signal })).body.toString(),
  axios: async (url: string, signal?: AbortSignal): Promise<string> =>
    (await axios.get(url, { signal, responseType: 'text', transformResponse: (text: string) => text })).data,
  got: (url: string, signal?: AbortSignal): Promise<string> => got(url, { signal, retry: { limit: 0 } }).text(),
  'undici.request': async (url: string, signal?: AbortSignal) => (await undiciRequest(url, { signal })).body.text(),
} as const

export type ClientName = keyof typeof clients
