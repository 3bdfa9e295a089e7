import pLimit, { type LimitFunction } from 'p-limit'
import { Background } from '../system/background.ts'
import { keepDigest } from '../task/digest.ts'
import { observe } from '../task/observe.ts'
import type { ChannelRecord, Spec } from '../task/schema.ts'
import { isLive } from '../task/state.ts'
import { readTask, type Stored } from '../task/store.ts'
import { deliverDue } from './deliver.ts'
import { channelOf } from './index.ts'
import { type Delivery, isPending, ledgerOf, waitMs } from './ledger.ts'
import { keepNotices, sweepOutbox } from './outbox.ts'

/** So many deliveries go to one receiver at a time; one that hangs holds up nobody else's. */
const AT_A_TIME = 4
/** Somebody else delivers, or the disk is full: looked at again after this, ms. */
const AGAIN_MS = 500
const TROUBLED_MS = 30_000
/** What is under way when it is told to stop may take so long to get through, ms. */
const GRACE_MS = 2_000
/** setTimeout takes no more. */
const LONGEST_TIMER_MS = 3_600_000

/** A task with notices that are not delivered. */
interface Post {
  readonly dir: string
  /** The channels that are delivered to right now. */
  readonly busy: Set<string>
  timer: NodeJS.Timeout | null
  /** A look is under way; `again`: something happened meanwhile. */
  looking: boolean
  again: boolean
}

export interface CourierEvents {
  readonly log: (line: string) => void
}

/**
 * Delivers the notices of all tasks, apart from everything else that the monitor does. It keeps nothing that is not in the
 * journals: what is pending, and when it is due, can be read from them by whoever comes after it.
 */
export class Courier {
  private readonly posts = new Map<string, Post>()
  private readonly limits = new Map<string, LimitFunction>()
  private readonly background: Background
  private readonly stopping = new AbortController()
  private stopped = false

  /** `delivers` false: it only knows what is to be delivered. */
  constructor(
    private readonly events: CourierEvents,
    private readonly delivers: boolean,
  ) {
    this.background = new Background(events.log)
  }

  /** How many tasks have notices that are not delivered. */
  get pending(): number {
    return this.posts.size
  }

  /** Sees to the notices of a task, whose journal may have grown. */
  consider(dir: string): void {
    if (this.stopped) return
    const post = this.posts.get(dir) ?? { dir, busy: new Set(), timer: null, looking: false, again: false }
    this.posts.set(dir, post)
    if (post.looking) {
      post.again = true
      return
    }
    post.looking = true
    this.background.add(this.lookUntilQuiet(post), dir)
  }

  /** Resolves when nothing is under way; what is due later is left. */
  async drained(): Promise<void> {
    await this.background.settled()
  }

  /** Ends what is under way; what did not get through is delivered by whoever comes after. */
  async stop(): Promise<void> {
    this.stopped = true
    for (const { timer } of this.posts.values()) if (timer) clearTimeout(timer)
    const grace = setTimeout(() => this.stopping.abort(), GRACE_MS)
    await this.drained()
    clearTimeout(grace)
  }

  private async lookUntilQuiet(post: Post): Promise<void> {
    do {
      post.again = false
      await this.look(post).catch((error: unknown) => this.troubled(post, error))
    } while (post.again && !this.stopped)
    post.looking = false
  }

  private async look(post: Post): Promise<void> {
    const stored = readTask(post.dir)
    const spec = stored?.spec
    const pending = stored && spec ? ledgerOf(spec, stored.journal.entries).filter(isPending) : []
    if (!stored || !spec || pending.length === 0) return this.close(post, stored)
    await keepNotices(stored, spec)
    await renewDigest(stored)
    const nowMs = Date.now()
    for (const channel of channelsDue(pending, nowMs)) this.begin(post, spec, channel)
    const later = pending.filter((one) => !post.busy.has(one.channel.name)).map((one) => waitMs(one, nowMs))
    this.lookIn(post, Math.min(...later))
  }

  private begin(post: Post, spec: Spec, channel: ChannelRecord): void {
    if (post.busy.has(channel.name) || this.stopped || !this.delivers) return
    post.busy.add(channel.name)
    const work = this.limitFor(channel)(() => deliverDue(post.dir, spec, channel, this.stopping.signal))
    this.background.add(
      work.then(
        (round) => {
          post.busy.delete(channel.name)
          if (round.kind === 'busy') return this.lookIn(post, AGAIN_MS)
          for (const line of round.lines) this.events.log(`${spec.session}: ${line}`)
          this.consider(post.dir)
        },
        (error: unknown) => {
          post.busy.delete(channel.name)
          this.troubled(post, error)
        },
      ),
      post.dir,
    )
  }

  /** Receivers are told apart by where they are, so that a hundred tasks that notify one do not shut out another. */
  private limitFor(record: ChannelRecord): LimitFunction {
    const key = `${record.type} ${channelOf(record)?.address}`
    const limit = this.limits.get(key) ?? pLimit(AT_A_TIME)
    this.limits.set(key, limit)
    return limit
  }

  private troubled(post: Post, error: unknown): void {
    this.events.log(`${post.dir}: notices: ${error instanceof Error ? error.message : error}`)
    this.lookIn(post, TROUBLED_MS)
  }

  private lookIn(post: Post, ms: number): void {
    if (post.timer) clearTimeout(post.timer)
    post.timer = null
    if (this.stopped || !Number.isFinite(ms)) return
    post.timer = setTimeout(() => this.consider(post.dir), Math.min(LONGEST_TIMER_MS, Math.max(1, ms)))
  }

  /** Nothing is left to deliver. */
  private async close(post: Post, stored: Stored | null): Promise<void> {
    if (stored?.spec?.notify) sweepOutbox(stored, stored.spec)
    if (stored) await renewDigest(stored)
    if (post.timer) clearTimeout(post.timer)
    if (post.busy.size === 0 && !post.again) this.posts.delete(post.dir)
  }
}

function channelsDue(pending: readonly Delivery[], nowMs: number): ChannelRecord[] {
  return [...new Set(pending.filter((one) => waitMs(one, nowMs) === 0).map((one) => one.channel))]
}

/** Every record of a delivery makes the journal longer than the digest knows. */
async function renewDigest(stored: Stored): Promise<void> {
  const task = await observe(stored, Date.now())
  if (!isLive(task.derived.state)) keepDigest(task)
}
