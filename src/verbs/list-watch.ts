import type { EventEmitter } from 'node:events'
import { constants } from 'node:os'
import type { ListOptions } from '../commands/list.ts'
import { changes, type Told, watchList } from '../commands/watch-list.ts'
import type { ReadingContext } from '../context.ts'
import { RcaError } from '../errors.ts'
import type { Io } from '../io.ts'
import { ENTER, frame, LEAVE } from '../render/frame.ts'
import { renderList } from '../render/list.ts'
import { harmlessJson } from '../render/text.ts'
import { streamOut } from '../standard-streams.ts'
import { runningMonitor } from '../supervise/presence.ts'
import type { TaskJson } from '../task/json.ts'
import { interruptible } from './common.ts'

/** The ages in the list are those of this long ago at most, ms. */
const AGES_MS = 1_000

/** `list --watch`: the list on the whole screen, drawn anew when it changes; with --json what changes, one task a line. */
export async function watch(options: ListOptions, io: Io, context: ReadingContext): Promise<void> {
  if (io.json) return stream(options, context)
  if (!process.stdout.isTTY || context.env.TERM === 'dumb')
    throw new RcaError('usage', 'list --watch needs a terminal', 'Without one: rca list --watch --json')
  const stop = new AbortController()
  const screen = new Screen(() => stop.abort())
  let tasks: readonly TaskJson[] = []
  const draw = () => {
    const supervised = runningMonitor(context.state) !== null
    const width = process.stdout.columns ?? io.width
    const text = renderList(tasks, context.now(), io.paint, width, supervised)
    screen.draw(frame(text, io.paint.dim('q ends this, the tasks go on'), process.stdout.rows ?? 24))
  }
  const ages = setInterval(draw, AGES_MS)
  try {
    screen.open(draw)
    for await (tasks of watchList(options, context, stop.signal)) draw()
  } finally {
    clearInterval(ages)
    screen.close()
  }
}

async function stream(options: ListOptions, context: ReadingContext): Promise<void> {
  let told: Told = new Map()
  const stop = interruptible(() => {})
  for await (const tasks of watchList(options, context, stop)) {
    const news = changes(told, tasks)
    told = news.told
    await streamOut(news.lines.map((line) => `${harmlessJson(line)}\n`).join(''), stop)
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The terminal, which looks as before when it is closed, or left for a while with Ctrl-Z. */
class Screen {
  private shown = ''
  private redraw: () => void = () => {}
  private isOpen = false

  constructor(private readonly end: () => void) {}

  open(redraw: () => void): void {
    this.redraw = redraw
    for (const [source, event, listener] of this.listeners()) source.on(event, listener)
    this.enter()
  }

  draw(text: string): void {
    if (!this.isOpen || text === this.shown) return
    this.shown = text
    process.stdout.write(text)
  }

  close(): void {
    for (const [source, event, listener] of this.listeners()) source.off(event, listener)
    this.leave()
    process.stdin.pause()
  }

  private listeners(): (readonly [EventEmitter, string, Parameters<EventEmitter['on']>[1]])[] {
    return [
      ...SIGNALS.map((name) => [process, name, this.ended] as const),
      [process, 'SIGTSTP', this.suspend],
      [process, 'SIGCONT', this.resume],
      // Whatever becomes of this process, the terminal is given back.
      [process, 'exit', this.leave],
      [process.stdout, 'resize', this.again],
      [process.stdin, 'data', this.key],
    ]
  }

  private enter(): void {
    this.isOpen = true
    if (process.stdin.isTTY) process.stdin.setRawMode(true)
    process.stdout.write(ENTER)
  }

  private readonly leave = () => {
    if (!this.isOpen) return
    this.isOpen = false
    if (process.stdin.isTTY) process.stdin.setRawMode(false)
    process.stdout.write(LEAVE)
  }

  private readonly ended = (name: (typeof SIGNALS)[number]) => {
    process.exitCode = 128 + constants.signals[name]
    this.end()
  }

  /** In raw mode these are keys, and no signals. */
  private readonly key = (data: Buffer) => {
    const text = data.toString('latin1')
    if (text.includes('\x03')) this.ended('SIGINT')
    else if (text.includes('q')) this.end()
    else if (text.includes('\x1a')) this.suspend()
    else if (text.includes('\x0c')) this.again()
  }

  /**
   * As the terminal does it: whatever was started together stops together, and nothing does where no shell could let it go on
   * (POSIX XBD 11.1.4, orphaned process groups).
   */
  private readonly suspend = () => {
    this.leave()
    process.off('SIGTSTP', this.suspend)
    process.kill(0, 'SIGTSTP')
    // From here on it is no longer stopped, or never was.
    process.on('SIGTSTP', this.suspend)
    this.resume()
  }

  private readonly resume = () => {
    if (!this.isOpen) this.enter()
    this.again()
  }

  private readonly again = () => {
    this.shown = ''
    this.redraw()
  }
}
