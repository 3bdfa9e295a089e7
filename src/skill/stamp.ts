import { sha256 } from '../task/store.ts'

/**
 * The last line of an installed skill: by it rca knows its own file again, and whether somebody has changed it since. A
 * comment in Markdown, which no reader of skills shows.
 */
const STAMP = /\n<!-- Installed by rca \S+ \(rca skill install\), sha256 ([0-9a-f]{64}) -->\n$/

/** The skill as it is installed. Pure. */
export function stamped(text: string, version: string): string {
  return `${text}\n<!-- Installed by rca ${version} (rca skill install), sha256 ${sha256(Buffer.from(text))} -->\n`
}

/** Whether a file is as some rca has installed it. Pure. */
export function isOurs(text: string): boolean {
  const stamp = STAMP.exec(text)
  return stamp !== null && stamp[1] === sha256(Buffer.from(text.slice(0, stamp.index)))
}
