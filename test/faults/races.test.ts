import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { until } from '../e2e/harness.ts'
import { end, holdAt, killAgent, newest, releaseAt } from './inject.ts'
import { test } from './world.ts'

describe.concurrent('a kill', () => {
  test.for(['kill-asked', 'kill-ended'])(
    'whose killer dies at %s is finished by the monitor',
    async (point, { world }) => {
      await world.atWork()
      await world.watched()
      holdAt(world, point)
      const kill = world.start(['kill', 'fix'])
      await world.killAt(point)
      await kill.done
      await world.isKilled(1)
    },
  )

  test.for(['kill-asked', 'kill-ended', 'killed'])(
    'whose killer dies at %s, without a monitor, can be repeated',
    async (point, { world }) => {
      await world.atWork('--no-monitor')
      holdAt(world, point)
      const kill = world.start(['kill', 'fix'])
      await world.killAt(point)
      await kill.done
      expect(await world.json(['kill', 'fix'])).toMatchObject([{ state: 'killed' }])
      await world.isKilled(1)
      expect(world.hasSession()).toBe(false)
    },
  )

  test('whose killer died while there was no monitor: nobody finished it, once its end was written down', async ({
    world,
  }) => {
    await world.atWork('--no-monitor')
    holdAt(world, 'kill-ended')
    const kill = world.start(['kill', 'fix'])
    await world.killAt('kill-ended')
    await kill.done
    await world.entered('attempt-ended')
    expect(await world.rca(['list', '--json'])).toMatchObject({ code: 0 })
    await world.lookOnce()
    expect(world.journal.at(-1)).toMatchObject({ type: 'killed' })
    expect(world.hasSession()).toBe(false)
    await world.isKilled(1)
  })

  test('whose killer dies, and the monitor that finishes it as well', async ({ world }) => {
    await world.atWork()
    await world.watched()
    holdAt(world, 'kill-asked')
    holdAt(world, 'monitor-finish-kill')
    const kill = world.start(['kill', 'fix'])
    await world.killAt('kill-asked')
    await kill.done
    await world.killAt('monitor-finish-kill')
    world.start(['monitor'])
    await world.isKilled(1)
  })

  test('whose killer dies while the agent ends well: done, and not revived', async ({ world }) => {
    const task = await world.atWork()
    await world.watched()
    holdAt(world, 'kill-asked')
    const kill = world.start(['kill', 'fix'])
    await world.comesTo('kill-asked')
    world.go()
    await until(() => newest(task).exit, 'the end of the agent')
    await world.killAt('kill-asked')
    await kill.done
    await world.ends(1)
  })

  test('while the agent dies by itself: killed, and not revived', async ({ world }) => {
    const task = await world.atWork()
    await world.watched()
    holdAt(world, 'kill-asked')
    const kill = world.start(['kill', 'fix'])
    await world.comesTo('kill-asked')
    await killAgent('SIGKILL')(world, task)
    await world.lookOnce()
    expect(world.runs).toHaveLength(1)
    releaseAt(world, 'kill-asked')
    expect((await kill.done).code).toBe(0)
    await world.isKilled(1)
  })

  test('at the moment at which the monitor has decided to go on', async ({ world }) => {
    const task = await world.atWork()
    await world.watched()
    holdAt(world, 'monitor-recover')
    await killAgent('SIGKILL')(world, task)
    await world.comesTo('monitor-recover')
    expect((await world.rca(['kill', 'fix'])).code).toBe(0)
    releaseAt(world, 'monitor-recover')
    await world.isKilled(1)
  })

  test.for(['before-attempt-ended', 'monitor-before-recover', 'claimed', 'typed', 'begun'])(
    'while the monitor is at %s: it waits, and then nothing is left',
    async (point, { world }) => {
      const task = await world.atWork()
      const monitor = await world.watched()
      holdAt(world, point)
      await killAgent('SIGKILL')(world, task)
      expect(await world.comesTo(point)).toBe(monitor)
      const kill = world.start(['kill', 'fix'])
      releaseAt(world, point)
      expect((await kill.done).code).toBe(0)
      await world.isKilled(null)
    },
  )
})

describe.concurrent('a resume', () => {
  test('at the moment at which the monitor has decided to go on: one of them does', async ({ world }) => {
    const task = await world.atWork()
    await world.watched()
    holdAt(world, 'monitor-recover')
    await killAgent('SIGKILL')(world, task)
    await world.comesTo('monitor-recover')
    expect((await world.rca(['resume', 'fix'])).code).toBe(0)
    releaseAt(world, 'monitor-recover')
    await world.lookOnce()
    expect(world.runs).toHaveLength(2)
    world.go()
    await world.ends(2)
  })

  test.for(['claimed', 'typed', 'begun'])(
    'while the monitor is at %s: it finds that all is done',
    async (point, { world }) => {
      const task = await world.atWork()
      await world.watched()
      holdAt(world, point)
      await killAgent('SIGKILL')(world, task)
      await world.comesTo(point)
      const resume = world.start(['resume', 'fix'])
      releaseAt(world, point)
      expect((await resume.done).code).toBe(0)
      world.go()
      await world.ends(2)
    },
  )

  test.for(['resume-locked', 'ground-cleared', 'claim-entered', 'claim-filled', 'claimed', 'typed', 'begun'])(
    'that is killed at %s: the monitor goes on from there',
    async (point, { world }) => {
      const task = await world.atWork('--no-monitor')
      await killAgent('SIGKILL')(world, task)
      await world.reaches('waiting')
      holdAt(world, point)
      const resume = world.start(['resume', 'fix'])
      await world.killAt(point)
      await resume.done
      world.go()
      world.start(['monitor'])
      await world.ends(2)
    },
  )

  test('while the agent ends well: there is nothing to do', async ({ world }) => {
    const task = await world.atWork()
    await world.watched()
    holdAt(world, 'resume-locked')
    const resume = world.start(['resume', 'fix'])
    await world.comesTo('resume-locked')
    world.go()
    await until(() => newest(task).exit, 'the end of the agent')
    releaseAt(world, 'resume-locked')
    expect((await resume.done).code).toBe(0)
    await world.ends(1)
  })

  test('beside a kill that asked first: the kill counts, or the resume as a whole', async ({ world }) => {
    await world.atWork()
    await world.watched()
    holdAt(world, 'kill-asked')
    const kill = world.start(['kill', 'fix'])
    await world.comesTo('kill-asked')
    const resume = world.start(['resume', 'fix'])
    releaseAt(world, 'kill-asked')
    expect((await kill.done).code).toBe(0)
    // A person who says resume after a kill wants it to go on.
    expect((await resume.done).code).toBe(0)
    world.go()
    await world.ends(2)
  })
})

describe.concurrent('the end of an agent, written down by its launch script', () => {
  test.for(['before-attempt-ended', 'before-done'])(
    'a good one, by somebody who is killed at %s: it is done all the same',
    async (point, { world }) => {
      world.holdLaunchScripts()
      await world.atWork()
      await end(await world.watched(), 'SIGKILL')
      holdAt(world, point)
      world.go()
      await world.killAt(point)
      await world.ends(1)
    },
  )

  test('a good one, by somebody who was killed at before-done and then listed: it stayed without a done', async ({
    world,
  }) => {
    world.holdLaunchScripts()
    const { taskDir } = await world.atWork()
    await end(await world.watched(), 'SIGKILL')
    holdAt(world, 'before-done')
    world.go()
    await world.killAt('before-done')
    expect(await world.json(['list'])).toMatchObject([{ state: 'done' }])
    await world.lookOnce()
    const left = (name: string) => existsSync(join(taskDir ?? '', name))
    expect({ done: left('done'), env: left('env') }).toEqual({ done: true, env: false })
    await world.ends(1)
  })

  test('wait returned before there was a done: whoever had written down the end was not ready', async ({
    world,
  }) => {
    world.holdLaunchScripts()
    const { taskDir } = await world.atWork()
    await world.watched()
    holdAt(world, 'before-done')
    world.go()
    await world.entered('attempt-ended')
    // The others are in the middle of it.
    const wait = await world.rca(['wait', 'fix'], {
      env: { RCA_TEST_PAUSE: undefined, NODE_OPTIONS: undefined },
    })
    expect(wait.code, wait.stderr).toBe(0)
    expect(existsSync(join(taskDir ?? '', 'done'))).toBe(true)
    releaseAt(world, 'before-done')
    await world.ends(1)
  })

  test.for(['before-attempt-ended', 'monitor-announced', 'lock-entering'])(
    'a bad one, by somebody who is killed at %s: a monitor goes on',
    async (point, { world }) => {
      world.holdLaunchScripts()
      const task = await world.atWork()
      await end(await world.watched(), 'SIGKILL')
      holdAt(world, point)
      await killAgent('SIGKILL')(world, task)
      await world.killAt(point)
      world.go()
      world.start(['monitor'])
      await world.ends(2)
    },
  )
})
