import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, isAbsolute, join } from 'node:path'
import { Script } from 'node:vm'

type Env = Readonly<Record<string, string | undefined>>

/**
 * Compiled code kept from an earlier start, so that this one need not compile it: half of what a start would take. It may be
 * thrown away at any time. Node has the same from 22.8 on (module.enableCompileCache), but in a folder under /tmp, and with
 * what the first verb that ran has compiled for all others.
 */

/** In front of the compiled code, 32-bit words: what this is, how often it was written, its check sum, its bytes. */
const HEADER_BYTES = 16
const MAGIC = 0x31616372
/** How old compiled code must be to be written once more with all that was compiled since, ms: one run does not do everything. */
const RENEW_AFTER_MS = [0, 0, 60_000, 3_600_000, 86_400_000]
/** Of other releases, or verbs that nobody runs any more, ms. */
const STALE_MS = 30 * 86_400_000

interface Kept {
  readonly path: string
  readonly code: Buffer
  readonly generation: number
  readonly ageMs: number
}

/**
 * Runs a CommonJS bundle in one file (ASCII, with what it holds as a name in its last line) and gives what it exports.
 * `part`: what it is run for; each has compiled code of its own.
 */
export function load(file: string, part: string, env: Env): unknown {
  const source = readFileSync(file, 'latin1')
  const path = pathFor(source.slice(source.lastIndexOf('\n', source.length - 2) + 1), part, env)
  const kept = path === null ? null : read(path)
  // The very first run makes what others find made: what only that needs would be in all others' way.
  const cachedData = kept && kept.generation > 0 ? kept.code : undefined
  const script = new Script(`(function(exports,require,module){${source}\n})`, {
    filename: file,
    ...(cachedData && { cachedData }),
  })
  const generation = !kept || script.cachedDataRejected ? 0 : kept.generation + 1
  const renewAfterMs = RENEW_AFTER_MS[generation]
  if (path !== null && renewAfterMs !== undefined && (generation === 0 || (kept?.ageMs ?? 0) >= renewAfterMs))
    process.once('exit', () => write(path, generation, script))
  const module = { exports: {} }
  script.runInThisContext()(module.exports, createRequire(file), module)
  return module.exports
}

/** Null: there is nowhere to keep it, or it is not wanted (the variable is Node's own). */
function pathFor(content: string, part: string, env: Env): string | null {
  const { XDG_CACHE_HOME: cache, HOME: home, NODE_OPTIONS: options = '' } = env
  const folder = cache && isAbsolute(cache) ? cache : home && isAbsolute(home) ? join(home, '.cache') : null
  if (folder === null || env.NODE_DISABLE_COMPILE_CACHE) return null
  const { version, arch, execArgv } = process
  const made = [content.trim(), version, arch, options, ...execArgv].join('\0')
  return join(folder, 'rca', `${part}-${hash(made)}`)
}

/** FNV-1a: for names, not against anybody. */
function hash(text: string): string {
  let sum = 0x811c9dc5
  for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193)
  return (sum >>> 0).toString(16).padStart(8, '0')
}

/** V8 takes damaged code for good and the process down with it: what is read must be ours, whole and as it was written. */
function read(path: string): Kept | null {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch {
    return null
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile() || stat.uid !== process.getuid?.() || (stat.mode & 0o077) !== 0) return null
    const bytes = readFileSync(fd)
    if (bytes.length < HEADER_BYTES || bytes.length % 4 !== 0) return null
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    const [magic, generation = 0, sum, length = 0] = words
    if (magic !== MAGIC || length > bytes.length - HEADER_BYTES || sum !== checkSum(words)) return null
    const code = bytes.subarray(HEADER_BYTES, HEADER_BYTES + length)
    return { path, code, generation, ageMs: Date.now() - stat.mtimeMs }
  } catch {
    return null
  } finally {
    closeSync(fd)
  }
}

/** Of a word in every 64 bytes: what a disk loses are whole pages, and to look at all takes longer than the compiled code saves. */
function checkSum(words: Uint32Array): number {
  let sum = 1
  for (let at = 3; at < words.length; at += 16) sum = (Math.imul(sum, 31) + (words[at] as number)) | 0
  return sum >>> 0
}

/** Not worth an error: it is tried again at the next start. */
function write(path: string, generation: number, script: Script): void {
  const temp = `${path}.${process.pid}`
  try {
    const code = script.createCachedData()
    const bytes = Buffer.alloc(HEADER_BYTES + Math.ceil(code.length / 4) * 4)
    code.copy(bytes, HEADER_BYTES)
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    words.set([MAGIC, generation, 0, code.length])
    words[2] = checkSum(words)
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeWhole(temp, bytes)
    renameSync(temp, path)
    sweep(dirname(path))
  } catch {
    takeAway(temp)
  }
}

function takeAway(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // There is not even a folder where it could be.
  }
}

function writeWhole(path: string, bytes: Buffer): void {
  const fd = openSync(path, 'wx', 0o600)
  try {
    writeFileSync(fd, bytes)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat && Date.now() - stat.mtimeMs > STALE_MS) rmSync(path, { force: true })
  }
}
