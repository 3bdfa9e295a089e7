import { readFileSync } from 'node:fs'
import { crypto } from './lazy.ts'

/** A random UUID (version 4): from the kernel where it gives them (random(4)), for Node's own takes 3 ms to load. */
export function randomId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/uuid', 'latin1').trim()
  } catch {
    return crypto().randomUUID()
  }
}
