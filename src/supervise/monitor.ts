import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import pLimit from 'p-limit'
import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { Courier } from '../notify/courier.ts'
import { Background } from '../system/background.ts'
import { pausePoint } from '../system/pause.ts'
import { attemptNumbers, sweepLaunch } from '../task/attempt.ts'
import { isClosed } from '../task/digest.ts'
import { appendJournal } from '../task/journal.ts'
import { observe } from '../task/observe.ts'
import { sizeOf } from '../task/output.ts'
import { files, tasksDirectory } from '../task/paths.ts'
import { finishBooks } from '../task/settle.ts'
import { isLive } from '../task/state.ts'
import { readTask, type Stored, sweepHalfMade } from '../task/store.ts'
import { tidyIndex } from '../task/tidy.ts'
import { act, confirmLaunch, type Outcome, recoverNow } from './act.ts'
import { type Action, decide, inWords } from './decide.ts'
import { factsOf } from './facts.ts'
import { ensureWakeDirectory, takePokes } from './presence.ts'
import { Scanner } from './scan.ts'
import { sumUp, wantsSum } from './sum-up.ts'
import {
  hasJustEnded,
  hasNews,
  hasPrinted,
  isDying,
  release,
  remember,
  type Tracked,
  track,
} from './tracked.ts'
import { trimLogs, wantsTrim } from './trim-logs.ts'
import { Clock, Servers, watchPokes } from './wakes.ts'

/** The slow timer: the safety net under all that wakes the monitor, ms. */
const TICK_MS = 10_000
/** Every so many ticks all task directories are looked through for tasks that nobody announced. */
const SCAN_TICKS = 6
/** At most so many tasks are worked on at a time: launching is work for tmux and for the disk. */
const AT_A_TIME = 6
/** As often as this another verb's lock is tried at the least, ms. */
const MOST_BUSY_MS = 2_000
/** How often a launch script that is about to be gone is looked at, ms. */
const DYING_MS = 20
const RECOVERED: Action = { kind: 'recover' }
const SETTLED: Action = { kind: 'settle' }
/** setTimeout takes no more. */
const LONGEST_TIMER_MS = 3_600_000

export interface MonitorEvents {
  /** Something was done or went wrong: a line for the log. */
  readonly log: (line: string) => void
  /** False: notices are counted and not delivered. */
  readonly delivers?: boolean
}

/**
 * Watches over all tasks of a state directory: observe, decide, act, for each of them again and again until it is over.
 * Wake-ups (pokes, FIFOs, tmux's notices, timers) only say that it is worth a look.
 */
export class Supervisor {
  private readonly tasks = new Map<string, Tracked>()
  /** Tasks that were over when their journal had so many bytes. */
  private readonly over = new Map<string, number>()
  private readonly servers: Servers
  private readonly clock = new Clock()
  private readonly limit = pLimit(AT_A_TIME)
  private readonly background: Background
  private readonly folder: string
  private readonly scanner: Scanner
  private readonly courier: Courier
  private unwatch: (() => void) | null = null
  private timer: NodeJS.Timeout | null = null
  private ticker: NodeJS.Timeout | null = null
  private ticks = 0
  private stopped = false

  constructor(
    private readonly context: Context,
    private readonly events: MonitorEvents,
  ) {
    this.folder = ensureWakeDirectory(context.state)
    this.background = new Background(events.log)
    this.scanner = new Scanner(context.state)
    this.courier = new Courier(events, events.delivers ?? true)
    this.servers = new Servers(context.env, {
      heard: (socket) => this.lookAtSocket(socket),
      dirsAt: (socket) => this.at(socket).map((one) => one.dir),
      inBackground: (work, what) => this.background.add(work, what),
    })
  }

  /** How many tasks are not over, or have notices that are not delivered. */
  get live(): number {
    return this.tasks.size + this.courier.pending
  }

  /** Begins to watch. */
  start(): void {
    this.unwatch = watchPokes(this.folder, () => this.answerPokes(), this.events.log)
    this.ticker = setInterval(() => this.tick(), TICK_MS)
    this.answerPokes()
    this.scan()
  }

  /** Ends what is under way and lets go of everything; agents are not touched. */
  async stop(): Promise<void> {
    this.stopped = true
    this.unwatch?.()
    if (this.ticker) clearInterval(this.ticker)
    if (this.timer) clearTimeout(this.timer)
    this.servers.close()
    await Promise.all([this.background.settled(), this.courier.stop()])
    for (const one of this.tasks.values()) release(one)
  }

  /** Looks once at every task until there is nothing more to do at this moment. */
  async once(): Promise<void> {
    takePokes(this.folder)
    this.scan()
    await this.background.settled()
    await this.courier.drained()
    await this.stop()
  }

  /** Finds tasks that are not over, whoever made them. */
  scan(): void {
    this.guarded('scan', () => {
      const { dirs, untidy } = this.scanner.next()
      for (const dir of dirs) this.guarded(dir, () => this.consider(dir))
      if (untidy) this.background.add(tidyIndex(this.context.state).catch(unlessBusy), 'index')
    })
  }

  private consider(dir: string): void {
    const bytes = sizeOf(files.journal(dir))
    if (this.tasks.has(dir) || this.over.get(dir) === bytes) return
    if (isClosed(dir)) this.over.set(dir, bytes)
    else this.look(dir)
  }

  /** Whatever the file system says of one folder, the monitor goes on with the others. */
  private guarded(what: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      this.events.log(`${what}: ${error instanceof Error ? error.message : error}`)
    }
  }

  private answerPokes(): void {
    this.guarded(this.folder, () => {
      for (const name of takePokes(this.folder)) this.look(join(tasksDirectory(this.context.state), name))
    })
  }

  private tick(): void {
    this.noteJump()
    this.answerPokes()
    if (++this.ticks % SCAN_TICKS === 0) this.scan()
    for (const one of this.tasks.values()) this.lookIfNews(one, Date.now())
    const all = this.ticks % SCAN_TICKS === 0
    for (const one of this.tasks.values()) if (all || hasPrinted(one)) this.tendLogs(one)
    this.servers.mendAll()
  }

  private tendLogs(one: Tracked): void {
    const add = (work: () => Promise<void>) => this.background.add(this.limit(work), one.dir)
    this.guarded(one.dir, () => {
      if (wantsSum(one)) add(() => sumUp(one))
      if (wantsTrim(one)) add(() => trimLogs(one, this.events.log))
    })
  }

  /** Time that nobody lived through counts neither as silence nor towards a deadline. */
  private noteJump(): void {
    const byMs = this.clock.jumpedMs()
    if (byMs === 0) return
    this.events.log(`the clock jumped by ${Math.round(byMs / 1_000)} s`)
    for (const { dir } of this.tasks.values()) {
      this.guarded(dir, () => appendJournal(dir, { type: 'clock-jumped', byMs }))
    }
  }

  /** Looks at a task now or, where a look is under way, right after it. */
  private look(dir: string): void {
    if (this.stopped) return
    const one = this.tasks.get(dir) ?? track(dir)
    this.tasks.set(dir, one)
    one.dueMs = null
    if (one.busy) {
      one.again = true
      return
    }
    one.busy = true
    this.background.add(
      this.limit(() => this.reconcile(one)).finally(() => {
        one.busy = false
        // Also of one that was just taken as over: somebody may have gone on with it meanwhile.
        if (one.again) {
          one.again = false
          this.look(dir)
        }
      }),
      dir,
    )
  }

  private async reconcile(one: Tracked): Promise<void> {
    if (this.stopped) return
    try {
      const lookInMs = await this.observeDecideAct(one)
      one.failures = 0
      if (lookInMs !== null) this.lookIn(one, lookInMs)
      // What came in meanwhile may be a resume that this look has not seen.
      else if (!one.again) this.forget(one)
    } catch (error) {
      this.failed(one, error)
    }
  }

  /** One round for one task. Null: it is over. */
  private async observeDecideAct(one: Tracked): Promise<number | null> {
    // Before the tick: right after the machine has slept the deadline seems to have come.
    this.noteJump()
    one.journalBytes = sizeOf(files.journal(one.dir))
    const stored = readTask(one.dir)
    if (!stored) {
      sweepHalfMade(one.dir, Date.now())
      return null
    }
    if (one.busyCount === 0 && hasJustEnded(one)) return this.recoverAtOnce(one, stored)
    const task = await observe(stored, Date.now())
    if (!task.spec) return LONGEST_TIMER_MS
    if (task.spec.notify) this.courier.consider(one.dir)
    remember(one, task, Date.now(), () => this.look(one.dir))
    this.hear(one.socket)
    const facts = await factsOf(task, task.spec, this.rememberedOf(one), Date.now())
    const { action, lookInMs } = decide(facts)
    if (action.kind === 'nothing' && isDying(one)) return DYING_MS
    if (action.kind === 'nothing') {
      if (lookInMs === null && !isLive(task.derived.state)) await finishBooks(task)
      return lookInMs ?? (isLive(task.derived.state) ? LONGEST_TIMER_MS : null)
    }
    pausePoint(`monitor-${action.kind}`)
    const outcome = await act(action, task, facts.waitedMs, this.context)
    return this.after(one, task.session, action, outcome, lookInMs ?? 0)
  }

  /** An attempt that was at work a moment ago has an exit record: the quickest way to the next one. */
  private async recoverAtOnce(one: Tracked, task: Stored): Promise<number> {
    one.seen = null
    pausePoint('monitor-recover')
    const outcome = await recoverNow(task, 0, this.context)
    return this.after(one, task.session, outcome.kind === 'acted' ? SETTLED : RECOVERED, outcome, 0)
  }

  private after(one: Tracked, session: string, action: Action, outcome: Outcome, lookInMs: number): number {
    this.report(session, action, outcome)
    // What could not be freed is looked at again after as long a while.
    if (action.kind === 'free-launcher' && outcome.kind !== 'busy') one.lingeringSinceMs = null
    one.busyCount = outcome.kind === 'busy' ? one.busyCount + 1 : 0
    return outcome.kind === 'busy' ? Math.min(MOST_BUSY_MS, 25 * 2 ** one.busyCount) : lookInMs
  }

  private rememberedOf(one: Tracked) {
    const now = performance.now()
    return {
      waitedMs: one.end ? now - one.end.sinceMs : 0,
      lingeringMs: one.lingeringSinceMs === null ? 0 : now - one.lingeringSinceMs,
    }
  }

  private report(session: string, action: Action, outcome: Outcome): void {
    if (outcome.kind === 'busy') return
    this.events.log(`${session}: ${inWords(action)}`)
    if (outcome.kind === 'launched')
      this.background.add(confirmLaunch(outcome.launched, this.context), session)
  }

  /** A full disk and the like: tried again, at growing intervals, up to a minute. */
  private failed(one: Tracked, error: unknown): void {
    const conflict = error instanceof RcaError && error.code === 'conflict'
    if (!conflict) this.events.log(`${one.dir}: ${error instanceof Error ? error.message : error}`)
    one.failures += conflict ? 0 : 1
    this.lookIn(one, conflict ? 100 : Math.min(60_000, 500 * 2 ** one.failures))
  }

  private forget(one: Tracked): void {
    // One that is still being made is no task yet, and may become one without another line in its journal.
    if (one.seen) this.over.set(one.dir, one.journalBytes)
    for (const number of attemptNumbers(one.dir)) sweepLaunch(one.dir, number)
    release(one)
    this.tasks.delete(one.dir)
  }

  private lookIn(one: Tracked, ms: number): void {
    if (this.stopped && ms > 0) return
    if (ms === 0) one.again = true
    else one.dueMs = performance.now() + ms
    this.setTimer()
  }

  /** One timer, for the task that is due first. */
  private setTimer(): void {
    if (this.timer) clearTimeout(this.timer)
    this.timer = null
    if (this.stopped) return
    const due = [...this.tasks.values()].flatMap((one) => one.dueMs ?? [])
    if (due.length === 0) return
    const ms = Math.min(LONGEST_TIMER_MS, Math.max(1, Math.min(...due) - performance.now()))
    this.timer = setTimeout(() => this.lookAtDue(), ms)
  }

  private lookAtDue(): void {
    const now = performance.now()
    for (const one of this.tasks.values()) if (one.dueMs !== null && one.dueMs <= now) this.look(one.dir)
    this.setTimer()
  }

  /** Who looks once needs nobody to wake it. */
  private hear(socket: string | null): void {
    if (socket !== null && this.ticker && !this.stopped) this.servers.hear(socket)
  }

  private lookAtSocket(socket: string): void {
    if (this.stopped) return
    for (const one of this.at(socket)) this.lookIfNews(one, 0)
  }

  private at(socket: string): Tracked[] {
    return [...this.tasks.values()].filter((one) => one.socket === socket)
  }

  private lookIfNews(one: Tracked, nowMs: number): void {
    this.guarded(one.dir, () => {
      if (hasNews(one, nowMs)) this.look(one.dir)
    })
  }
}

/** Somebody else tidies up: then there is nothing to do. */
function unlessBusy(error: unknown): void {
  if (!(error instanceof RcaError && error.code === 'conflict')) throw error
}
