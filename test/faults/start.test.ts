import { describe, expect } from 'vitest'
import type { TaskJson } from '../../src/task/json.ts'
import { until } from '../e2e/harness.ts'
import { end, holdAt, killAgent, killTerminal, releaseAt } from './inject.ts'
import { START, supervised, test, turnFailed } from './world.ts'

const BEFORE_THE_TASK = ['lock-entering', 'start-locked']
const AFTER_IT = ['task-made', 'claim-entered', 'claim-filled', 'claimed', 'typed', 'begun', 'start-watched']

describe.concurrent('a start that is killed', () => {
  test.for(BEFORE_THE_TASK)(
    'at %s: there is no task, and the next start makes it',
    async (point, { world }) => {
      holdAt(world, point)
      const start = world.start(START)
      await world.killAt(point)
      await start.done
      expect(await world.json<TaskJson[]>(['list', '--all'])).toEqual([])
      await world.atWork()
      world.go()
      await world.ends(1)
    },
  )

  test.for(AFTER_IT)('at %s: the monitor brings the task to its end', async (point, { world }) => {
    holdAt(world, point)
    const start = world.start(START)
    await world.killAt(point)
    await start.done
    const monitor = world.start(['monitor'])
    await world.ends(1)
    expect([0, 5]).toContain((await monitor.done).code)
  })

  test.for(AFTER_IT)('at %s, and its agent then dies: the monitor goes on', async (point, { world }) => {
    holdAt(world, point)
    world.write('hold', '2')
    const start = world.start(START)
    await world.killAt(point)
    await start.done
    world.start(['monitor'])
    await until(() => world.ledger.includes('begin 2 '), 'the second step to begin')
    const [task] = await world.json<TaskJson[]>(['list'])
    if (task) await killAgent('SIGKILL')(world, task)
    world.go()
    await world.ends(2)
  })

  test.for(AFTER_IT)('at %s, and is repeated at once: one task, one agent', async (point, { world }) => {
    holdAt(world, point)
    world.write('hold', '1')
    const start = world.start(START)
    await world.killAt(point)
    await start.done
    const again = await world.rca([...START, '--if-exists', 'reuse'])
    expect(again).toMatchObject({ code: 0 })
    world.go()
    world.start(['monitor'])
    await world.ends(1)
    expect(world.taskDirs).toHaveLength(1)
  })

  test('together with its terminal and its agent', async ({ world }) => {
    holdAt(world, 'typed')
    world.write('hold', '2')
    const start = world.start(START)
    const pid = await world.comesTo('typed')
    await until(() => world.ledger.includes('begin 2 '), 'the second step to begin')
    const [task] = await world.json<TaskJson[]>(['list'])
    if (task) await killTerminal('SIGKILL')(world, task)
    await end(pid, 'SIGKILL')
    releaseAt(world, 'typed')
    await start.done
    world.go()
    world.start(['monitor'])
    await world.ends(2)
  })
})

describe.concurrent('a name that is used again', () => {
  test('the new task is supervised, the old failed one is left alone', async ({ world }) => {
    world.config(supervised({ maxRetries: 0 }))
    const old = await world.atWork()
    world.order('exit 1')
    await world.reaches('failed')
    await world.entered('gave-up')
    const before = world.journalOf(old.taskDir)
    const [thread] = world.runs
    world.forget()
    world.config(supervised())
    const task = await world.atWork()
    expect(task.taskDir).not.toBe(old.taskDir)
    await killAgent('SIGKILL')(world, task)
    world.go()
    await world.ends(2)
    expect(world.journalOf(old.taskDir)).toBe(before)
    expect(world.runs.join()).not.toContain(thread?.split(' ')[1])
  })

  test('an old one that waits for its next attempt is ended by --if-exists replace, for good', async ({
    world,
  }) => {
    const old = await world.atWork()
    world.order(turnFailed('You have hit your usage limit.'))
    await world.reaches('waiting')
    world.forget()
    const task = await world.atWork('--if-exists', 'replace')
    await killAgent('SIGKILL')(world, task)
    world.go()
    await world.ends(2)
    const tasks = await world.json<TaskJson[]>(['list', '--all'])
    expect(tasks.find((one) => one.taskDir === old.taskDir)).toMatchObject({ state: 'killed' })
    expect(world.journalOf(old.taskDir)).toMatch(/"type":"killed"[^\n]*\n$/)
  })
})
