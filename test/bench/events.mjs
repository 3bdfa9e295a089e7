// @ts-check
/** Events as codex prints them, as many bytes as asked for: those of a recorded run over and over, under other numbers. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

const RECORDED = new URL('../fixtures/events/codex/done.jsonl', import.meta.url)
const CHUNK = 4 << 20

/**
 * @param {string} path   Made, or written anew.
 * @param {number} bytes   At least so many, whole lines.
 * @returns {number}   The bytes it has.
 */
export function writeEvents(path, bytes) {
  const chunk = Buffer.from(chunkOf(Math.min(CHUNK, bytes)))
  const file = openSync(path, 'w', 0o600)
  let written = 0
  try {
    written += writeSync(file, `${first()}\n`)
    while (written < bytes) written += writeSync(file, chunk)
    written += writeSync(file, `${last()}\n`)
  } finally {
    closeSync(file)
  }
  return written
}

const recorded = () => readFileSync(RECORDED, 'utf8').trim().split('\n')
const first = () => recorded().slice(0, 3).join('\n')
const last = () => recorded().at(-1)

/** @param {number} bytes */
function chunkOf(bytes) {
  const middle = recorded().slice(3, -1)
  const lines = []
  for (let n = 0, size = 0; size < bytes; n++) {
    const line = (middle[n % middle.length] ?? '')
      .replace(/"item_\d+"/, `"item_${n}"`)
      .replace(/STEP-OK-\d+/g, `STEP-OK-${n}${' and what the command printed'.repeat(n % 7)}`)
    lines.push(line)
    size += line.length + 1
  }
  return `${lines.join('\n')}\n`
}
