// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/**
 * Text that a terminal shows and does not obey: control characters (escape sequences start with one) and those that turn
 * the direction of writing are taken out; line breaks and tabs stay. Agents' output can hold anything.
 */
export function harmless(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll('\r', '\n').replace(CONTROL, '')
}

/** JSON that a terminal shows and does not obey either: JSON.stringify escapes no control characters but the first 32. */
export function harmlessJson(value: unknown): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replace(CONTROL, escaped)
}

/** The same on one line, at most `width` characters. */
export function oneLine(text: string, width: number): string {
  const line = harmless(text).replaceAll(/\s+/g, ' ').trim()
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`
}
