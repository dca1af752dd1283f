import { bare } from './bare.mjs'
import { meshwright } from './meshwright.mjs'
import { mockoon } from './mockoon.mjs'
import { mockserver } from './mockserver.mjs'
import { mountebank } from './mountebank.mjs'
import { msw } from './msw.mjs'
import { wiremock, wiremockAsync } from './wiremock.mjs'

/** In the order of the tables: the floor, us, the others. */
export const peers = [bare, meshwright, msw, wiremock, wiremockAsync, mountebank, mockoon, mockserver]
