/**
 * A `Response` whose JSON is `any`. With the types of the DOM it is that anyway; those of Node say `unknown`, which a test
 * would have to cast each time.
 */
// oxlint-disable-next-line no-explicit-any -- the reason stands above
export type LooseResponse = { json(): Promise<any> } & Response
