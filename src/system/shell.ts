/**
 * A word that sh takes literally, whatever it holds (POSIX XCU 2.2.2: between single quotes every character stands for
 * itself). Throws on NUL, which no argument can hold.
 */
export function quote(word: string): string {
  if (word.includes('\0')) throw new Error('a shell word cannot hold a NUL byte')
  if (/^[A-Za-z0-9_/:=.,@%+-]+$/.test(word)) return word
  return `'${word.replaceAll("'", "'\\''")}'`
}

export function quoteAll(words: readonly string[]): string {
  return words.map(quote).join(' ')
}
