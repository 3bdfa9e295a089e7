import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Watcher, watchQuietly } from '../system/watch.ts'
import { attemptNumbers } from './attempt.ts'
import { readDigest } from './digest.ts'
import type { TaskDirectory } from './directories.ts'
import { readLines } from './lines.ts'
import { sizeOf } from './output.ts'
import { files, tasksDirectory, wakeDirectory } from './paths.ts'

/** One line of a task's journal, whatever release wrote it. */
export interface JournalEvent {
  /** The task's session name. */
  readonly task: string
  readonly taskDir: string
  readonly at: string
  readonly type: string
  readonly [more: string]: unknown
}

/** A journal that is read on from where the last look ended. */
interface Source extends TaskDirectory {
  /** Bytes of it that were read. */
  offset: number
  /** What is watched of it; null: nothing. */
  watched: string | null
  watcher: Watcher | null
  /** The task was over when its journal had so many bytes. */
  overAt: number | null
  /** It could not be read, and that was told. */
  told: boolean
}

export interface FeedOptions {
  readonly state: string
  /** Finds the tasks; who wants to hear only of what happens leaves out what is over. */
  readonly find: (state: string) => TaskDirectory[]
  readonly wants: (task: TaskDirectory) => boolean
  /** A journal cannot be read: the others can. */
  readonly warn: (message: string) => void
  /** Ends it; null: nothing is watched, there is one look. */
  readonly signal: AbortSignal | null
}

/** A folder that is watched, or none. */
interface Place {
  path: string | null
  watcher: Watcher | null
}

/** The safety net under the file events, and what sees that a finished task goes on, ms. */
const TICK_MS = 2_000

/**
 * The journals of all tasks that are wanted, read on and on. It watches the folder of the tasks and the journals of those
 * that are not over: a finished task that `find` gives costs one stat every two seconds.
 */
export class Feed {
  private readonly sources = new Map<string, Source>()
  private readonly changed = new Set<Source>()
  private readonly folder: string
  private readonly root: Place = { path: null, watcher: null }
  private readonly pokes: Place = { path: null, watcher: null }
  private readonly ticker: NodeJS.Timeout | null
  private scanDue = true
  private wake: () => void = () => {}

  constructor(private readonly options: FeedOptions) {
    const { state, signal } = options
    this.folder = tasksDirectory(state)
    this.ticker = signal && setInterval(() => this.scanSoon(), TICK_MS)
    signal?.addEventListener('abort', () => this.wake())
  }

  /** What was not read yet, by time. */
  next(): JournalEvent[] {
    if (this.scanDue) this.scan()
    const found: JournalEvent[] = []
    for (const source of this.changed) {
      this.guarded(source, () => {
        this.attend(source)
        found.push(...read(source))
      })
    }
    this.changed.clear()
    return found.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  }

  /** Resolves when it is worth asking again, or when the signal fires. */
  async news(): Promise<void> {
    if (this.scanDue || this.changed.size > 0 || this.options.signal?.aborted) return
    await new Promise<void>((resolve) => {
      this.wake = resolve
    })
  }

  close(): void {
    if (this.ticker) clearInterval(this.ticker)
    for (const one of [this.root, this.pokes, ...this.sources.values()]) one.watcher?.close()
  }

  private scanSoon(): void {
    this.scanDue = true
    this.wake()
  }

  private isChanged(source: Source): void {
    this.changed.add(source)
    this.wake()
  }

  /** Finds new tasks, lets go of removed ones and looks whether any journal has grown. */
  private scan(): void {
    this.scanDue = false
    this.watchFolders()
    const { find, state, wants } = this.options
    const there = find(state).filter(wants)
    for (const { dir, session } of there) {
      const fresh = { dir, session, offset: 0, watched: null, watcher: null, overAt: null, told: false }
      const source = this.sources.get(dir) ?? fresh
      this.sources.set(dir, source)
      this.guarded(source, () => {
        const bytes = sizeOf(files.journal(dir))
        if (bytes !== source.offset) this.changed.add(source)
        else if (bytes !== source.overAt) this.attend(source)
      })
    }
    const left = new Set(there.map((one) => one.dir))
    for (const source of this.sources.values()) if (!left.has(source.dir)) this.forget(source)
  }

  private guarded(source: Source, look: () => void): void {
    try {
      look()
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      if (!source.told) this.options.warn(`the journal of ${source.session} cannot be read: ${why}`)
      source.told = true
    }
  }

  private forget(source: Source): void {
    source.watcher?.close()
    this.sources.delete(source.dir)
    this.changed.delete(source)
  }

  /** The folder of the tasks or, until it is there, the nearest one above it; and that of the pokes. */
  private watchFolders(): void {
    if (!this.options.signal) return
    this.watch(this.root, nearest(this.folder), () => this.scanSoon())
    const pokes = wakeDirectory(this.options.state)
    this.watch(this.pokes, existsSync(pokes) ? pokes : null, (name) => this.isPoked(name))
  }

  /** Whoever starts, resumes or ends a task tells the monitor, and so this. */
  private isPoked(name: string | null): void {
    const source = name === null ? undefined : this.sources.get(join(this.folder, name))
    if (source) this.isChanged(source)
    // One that was over goes on.
    else this.scanSoon()
  }

  private watch(place: Place, path: string | null, onChange: (name: string | null) => void): void {
    if (place.path === path) return
    place.watcher?.close()
    place.path = path
    place.watcher = path === null ? null : watchQuietly(path, onChange)
  }

  /** Watches what tells of the next line, before that is looked for. */
  private attend(source: Source): void {
    const wanted = this.options.signal ? worthWatching(source) : null
    if (source.watched === wanted) return
    source.watcher?.close()
    source.watched = wanted
    const isJournal = wanted === files.journal(source.dir)
    const onChange = () => (isJournal ? this.isChanged(source) : this.scanSoon())
    source.watcher = wanted === null ? null : watchQuietly(wanted, onChange)
  }
}

function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path))
}

/** Null: the task is over. */
function worthWatching(source: Source): string | null {
  const journal = files.journal(source.dir)
  const size = sizeOf(journal)
  if (source.overAt !== size) source.overAt = readDigest(source.dir) ? size : null
  if (source.overAt !== null) return null
  return existsSync(journal) ? journal : source.dir
}

/** The whole lines that came since; what a killed writer left torn, and what is no entry, is passed over. */
function read(source: Source): JournalEvent[] {
  const { dir, session } = source
  if (source.offset === 0 && !isTask(dir)) return []
  const found: JournalEvent[] = []
  for (const { text, end } of readLines(files.journal(dir), source.offset, null, false)) {
    source.offset = end
    const entry = parsed(text)
    const head = { task: session, taskDir: dir }
    if (entry) found.push({ ...head, ...entry, ...head })
  }
  return found
}

/** A directory that is still being made may never become a task. */
const isTask = (dir: string) => existsSync(files.spec(dir)) || attemptNumbers(dir).length > 0

function parsed(line: string): { at: string; type: string } | null {
  try {
    const value: unknown = JSON.parse(line)
    return isEntry(value) ? value : null
  } catch {
    return null
  }
}

function isEntry(value: unknown): value is { at: string; type: string } {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('at' in value)) return false
  return typeof value.type === 'string' && typeof value.at === 'string'
}
