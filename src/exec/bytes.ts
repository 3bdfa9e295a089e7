import { readFileSync } from 'node:fs'
import { unless } from '../errors.ts'
import { quote } from '../system/shell.ts'

/** What Node puts in place of bytes that are no UTF-8: what an argument was cannot be told from it. */
const LOST = '\uFFFD'

export const isLost = (word: string) => word.includes(LOST)

/**
 * The argv that runs a command with its arguments byte for byte: those at the end of this process's own, which are no UTF-8,
 * are made anew by sh, since Node has only text to hand on. Linux only; elsewhere they are as Node has them.
 */
export function asGiven(argv: readonly string[]): readonly string[] {
  if (!argv.some(isLost)) return argv
  const all = unless(['ENOENT'], '', () => readFileSync('/proc/self/cmdline', 'latin1')).split('\0')
  const bytes = all.slice(0, -1).slice(-argv.length)
  if (bytes.length < argv.length) return argv
  const words = argv.map((word, at) =>
    isLost(word) ? inOctal(bytes[at] ?? '') : `set -- "$@" ${quote(word)}`,
  )
  return ['/bin/sh', '-c', [...words, 'exec "$@"'].join('\n')]
}

/** The last letter keeps line breaks in front of it from being cut off. */
function inOctal(latin1: string): string {
  const digits = [...latin1].map((char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)
  return `word=$(LC_ALL=C printf '${digits.join('')}x'); set -- "$@" "\${word%x}"`
}
