const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * Text as it may stand in HTML and in SVG, between tags and in quoted attributes. Names and bodies come from requests:
 * control characters, which XML forbids, and marks that turn the direction of writing become a replacement character.
 */
export const escaped = (text: string): string =>
  text
    .replace(/[\p{Cc}\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu, '\ufffd')
    .replace(/\p{Cs}/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => entities[character]!)

/** The same for several lines: line breaks stay. */
export const escapedLines = (text: string): string => text.split(/\r?\n/).map(escaped).join('\n')

/** Text for a terminal, on one line: nothing that moves the cursor or changes colours gets through. */
export const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '?')

export const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text)

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`
