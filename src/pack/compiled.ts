import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Script } from 'node:vm'
import { cacheFolder, takeAway } from '../cache-folder.ts'
import { makeFolders } from '../system/folders.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Where a module's compiled code lies in the file. */
type Place = readonly [start: number, bytes: number]

/** Compiled code of an earlier start. */
interface Kept {
  readonly bytes: Buffer
  readonly places: Readonly<Record<string, Place>>
  /** How often it was written. */
  readonly generation: number
  readonly ageMs: number
}

/** In front of the file, 32-bit words: what it is, how often it was written, the bytes of its table, the check sum of all behind. */
const HEADER_BYTES = 16
const MAGIC = 0x32616372
/** How old it must be to be written once more with all that was compiled since, ms: one run does not do everything. */
const RENEW_AFTER_MS = [0, 0, 60_000, 3_600_000, 86_400_000]
/** Of other releases, or verbs that nobody runs any more, ms. */
const STALE_MS = 30 * 86_400_000

/**
 * Compiled code that is kept from start to start, so that not every start compiles it: half of what it would take. It may be
 * thrown away at any time. Node has the like from 22.8 on (module.enableCompileCache), but in a folder under /tmp, and
 * with what the first run of a file has compiled for all others.
 */
export class Compiled {
  private readonly path: string | null
  private readonly kept: Kept | null
  private readonly scripts = new Map<string, Script>()
  /** What was kept does not fit this Node after all. */
  private rejected = false

  /** `hash`: names all that is compiled. */
  constructor(hash: string, part: string, env: Env) {
    this.path = pathFor(hash, part, env)
    this.kept = this.path === null ? null : read(this.path)
  }

  script(id: string, text: string, filename: string): Script {
    const cachedData = this.codeOf(id)
    const script = new Script(text, { filename, ...(cachedData && { cachedData }) })
    if (script.cachedDataRejected) this.rejected = true
    this.scripts.set(id, script)
    return script
  }

  /** Has it written when the process ends, where that is worth it. */
  keepAtExit(): void {
    const { path, kept } = this
    if (path === null) return
    process.once('exit', () => {
      const generation = !kept || this.rejected ? 0 : kept.generation + 1
      const afterMs = RENEW_AFTER_MS[generation]
      if (afterMs === undefined || (generation > 0 && (kept?.ageMs ?? 0) < afterMs)) return
      write(path, generation, this.all())
    })
  }

  private codeOf(id: string): Buffer | null {
    const place = this.kept?.places[id]
    if (!this.kept || !place) return null
    const [start, bytes] = place
    return this.kept.bytes.subarray(start, start + bytes)
  }

  /** What this run has compiled, and what earlier ones have that this one had no use for. */
  private all(): Map<string, Buffer> {
    const all = new Map<string, Buffer>()
    for (const [id, script] of this.scripts) all.set(id, script.createCachedData())
    for (const id of Object.keys(this.rejected ? {} : (this.kept?.places ?? {}))) {
      const code = all.has(id) ? null : this.codeOf(id)
      if (code) all.set(id, code)
    }
    return all
  }
}

/** Null: there is nowhere to keep it, or it is not wanted (the variable is Node's own). */
function pathFor(hash: string, part: string, env: Env): string | null {
  const folder = cacheFolder(env)
  if (folder === null || env.NODE_DISABLE_COMPILE_CACHE) return null
  const { NODE_OPTIONS: options = '' } = env
  const { version, arch, execArgv } = process
  return join(folder, `${part}-${shortHash([hash, version, arch, options, ...execArgv].join('\0'))}`)
}

/** FNV-1a: for names, not against anybody. */
function shortHash(text: string): string {
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
    if (bytes.length < HEADER_BYTES || bytes.length % 8 !== 0) return null
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    const [magic, generation = 0, length = 0, sum] = words
    if (magic !== MAGIC || checkSum(words) !== sum) return null
    const table = bytes.toString('latin1', HEADER_BYTES, HEADER_BYTES + length)
    return { bytes, places: JSON.parse(table), generation, ageMs: Date.now() - stat.mtimeMs }
  } catch {
    return null
  } finally {
    closeSync(fd)
  }
}

/** Of a word in every 256 bytes: what a disk loses are whole pages, and to look at all takes longer than it is worth. */
function checkSum(words: Uint32Array): number {
  let sum = words.length
  for (let at = HEADER_BYTES / 4; at < words.length; at += 64)
    sum = (Math.imul(sum, 31) + (words[at] as number)) | 0
  return sum >>> 0
}

/** Every piece begins where V8 and 32-bit words want it. */
const aligned = (bytes: number) => Math.ceil(bytes / 8) * 8

/** Not worth an error: it is tried again at the next start. */
function write(path: string, generation: number, all: ReadonlyMap<string, Buffer>): void {
  const temp = `${path}.${process.pid}`
  try {
    makeFolders(dirname(path), 0o700)
    writeWhole(temp, format(generation, all))
    renameSync(temp, path)
    sweep(dirname(path))
  } catch {
    takeAway(temp)
  }
}

/** The table tells where each piece is; it is as long as it would be with the longest numbers, so that it does not move them. */
function format(generation: number, all: ReadonlyMap<string, Buffer>): Buffer {
  const pieces = [...all]
  const places = (start: number) => {
    let at = start
    return pieces.map(([id, code]) => {
      const place: Place = [at, code.length]
      at += aligned(code.length)
      return [id, place] as const
    })
  }
  const tableBytes = aligned(JSON.stringify(Object.fromEntries(places(1e9))).length)
  const found = places(HEADER_BYTES + tableBytes)
  const end = found.reduce(
    (last, [, [start, bytes]]) => Math.max(last, start + aligned(bytes)),
    HEADER_BYTES + tableBytes,
  )
  const bytes = Buffer.alloc(end)
  bytes.write(JSON.stringify(Object.fromEntries(found)).padEnd(tableBytes), HEADER_BYTES, 'latin1')
  for (const [index, [, code]] of pieces.entries()) code.copy(bytes, found[index]?.[1][0])
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  words.set([MAGIC, generation, tableBytes, checkSum(words)])
  return bytes
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
