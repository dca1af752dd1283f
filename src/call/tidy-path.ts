const tidy = /^\/[\w\-.~!$&()*+,;=:@%/?]*$/

/**
 * Whether a path and query would come out of a URL parser as they went in, as nearly all do: no dots to resolve, nothing to
 * encode. Says no when in doubt.
 */
export const isTidyPath = (path: string): boolean => tidy.test(path) && !path.includes('/.') && !path.startsWith('//')
