import { harmless } from './text.ts'

/** An error for people: what is wrong, then what would be right. Pure. */
export function renderError(message: string, hint: string | null): string {
  return `rca: ${harmless(message)}\n${hint ? `     ${harmless(hint)}\n` : ''}`
}
