import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ended } from '../../test/fixtures/entries.ts'
import type { Context } from '../context.ts'
import { host, ownIdentity } from '../system/identity.ts'
import { claimAttempt } from '../task/attempt.ts'
import { appendJournal, readJournal } from '../task/journal.ts'
import { type Observed, observe } from '../task/observe.ts'
import { DEFAULT_POLICY, type Policy } from '../task/policy.ts'
import { createTask, readTask } from '../task/store.ts'
import { act } from './act.ts'
import { type Action, decide } from './decide.ts'
import { factsOf, NOTHING_REMEMBERED } from './facts.ts'

describe('acting on what was seen', () => {
  let state: string
  let dir: string

  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'rca-act.'))
  })
  afterEach(() => rmSync(state, { recursive: true }))

  async function made(policy: Partial<Policy> = {}): Promise<void> {
    const named = { agent: 'codex', task: 'x', access: 'write', cwd: state, agentArgs: [], env: {} } as const
    const wanted = {
      ...named,
      prompt: Buffer.from('do it'),
      monitor: true,
      terminal: { kind: 'tmux' as const, socket: join(state, 'socket') },
    }
    const task = await createTask(
      state,
      { ...wanted, policy: { ...DEFAULT_POLICY, ...policy } },
      async () => null,
    )
    dir = task.dir
    appendJournal(dir, { type: 'attempt-claimed', attempt: 1, how: 'start', by: 'person' })
  }

  async function seen(): Promise<{ task: Observed; action: Action }> {
    const stored = readTask(dir)
    if (!stored?.spec) throw new Error('no task')
    const task = await observe(stored, Date.now())
    return { task, action: decide(await factsOf(task, stored.spec, NOTHING_REMEMBERED, Date.now())).action }
  }

  const ends = (outcome: 'failed' | 'killed') =>
    appendJournal(dir, { ...ended(1, 0), at: new Date().toISOString(), outcome })

  /** Claims the second attempt, which nobody launches; this process lives. */
  function resumed(): void {
    const own = { claimant: ownIdentity(), host: host(), claimedAt: new Date().toISOString() }
    const rest = { schema: 1, attempt: 2, how: 'resume', sessionId: null, argv: [] } as const
    const claim = { ...rest, ...own, argv: [], eventsOffset: 0, stderrOffset: 0 }
    claimAttempt(dir, 2, { claim, launch: '', agent: '', prompt: 'go on', by: 'person' })
  }

  const context = () => ({ state, env: {}, progress: () => {} }) as unknown as Context
  const written = () => readJournal(dir).entries.map((one) => one.type)

  it('notes once that it gave up, whoever else has decided the same', async () => {
    await made({ maxRetries: 0 })
    ends('failed')
    const { task, action } = await seen()
    expect(action.kind).toBe('note-gave-up')
    await act(action, task, 0, context())
    await act(action, task, 0, context())
    expect(written().filter((type) => type === 'gave-up')).toHaveLength(1)
  })

  it('an attempt that a person had just asked for was given up with the ones before it', async () => {
    await made({ maxRetries: 0 })
    ends('failed')
    const { task, action } = await seen()
    resumed()
    await act(action, task, 0, context())
    expect(written()).not.toContain('gave-up')
  })

  it('an attempt that the monitor had claimed and a full disk kept from being called off was never made', async () => {
    await made()
    ends('failed')
    resumed()
    expect((await seen()).action.kind).toBe('recover')
  })

  it('an attempt that a person made after a kill was killed as well', async () => {
    await made()
    appendJournal(dir, { type: 'kill-requested', by: 'ann' })
    const { task, action } = await seen()
    expect(action.kind).toBe('finish-kill')
    ends('killed')
    appendJournal(dir, { type: 'killed', by: 'ann', processes: 1 })
    resumed()
    await act(action, task, 0, context()).catch(() => {})
    expect(written().filter((type) => type === 'kill-requested')).toHaveLength(1)
    expect(written().at(-1)).toBe('attempt-claimed')
  })
})
