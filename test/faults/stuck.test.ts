import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { isRunning, RCA, until } from '../e2e/harness.ts'
import { holdAt, killAgent, killMonitor, monitorOf, newest, releaseAt } from './inject.ts'
import { supervised, test } from './world.ts'

const possible = spawnSync('unshare', ['-p', '-u', '--fork', '--mount-proc', 'true']).status === 0

test('a start failed, and left its agent running, because there could be no log for the monitor', async ({
  world,
}) => {
  mkdirSync(join(world.state, 'monitor.log'), { recursive: true, mode: 0o700 })
  await world.atWork()
  world.go()
  await world.ends(1)
})

describe.concurrent('the monitor', () => {
  test('that was killed while a task waited for its next attempt was missed by nobody who waits for the task', async ({
    world,
  }) => {
    world.config(supervised({ backoff: '15s' }))
    const task = await world.atWork()
    await world.watched()
    await killAgent('SIGKILL')(world, task)
    await until(() => world.runs.length === 2, 'the second run')
    await until(() => newest(task).agent && newest(task).number === 2, 'the second agent')
    const wait = world.start(['wait', 'fix', '--timeout', '60s'])
    await killAgent('SIGKILL')(world, task)
    await world.entered('waiting')
    await world.rca(['wait', 'fix', '--timeout', '1s'])
    await killMonitor(world, task)
    world.go()
    expect(await wait.done).toMatchObject({ code: 0 })
  })

  test('gave up what a person had gone on with in that moment, and said so of its good end', async ({
    world,
  }) => {
    world.config(supervised({ maxRetries: 0 }))
    const task = await world.atWork()
    await world.watched()
    holdAt(world, 'monitor-note-gave-up')
    await killAgent('SIGKILL')(world, task)
    await world.comesTo('monitor-note-gave-up')
    expect(await world.rca(['resume', 'fix'])).toMatchObject({ code: 0 })
    releaseAt(world, 'monitor-note-gave-up')
    world.go()
    await world.ends(2)
    expect(world.journal.filter((one) => one.type === 'gave-up')).toEqual([])
  })

  test.skipIf(!possible)(
    'in a container that shares the folder started a second agent',
    async ({ world }) => {
      await world.atWork('--no-monitor')
      const script = 'hostname elsewhere && exec "$@"'
      const inContainer = ['unshare', '-p', '-u', '--fork', '--mount-proc', 'sh', '-c', script, 'sh']
      const rca = (...args: string[]) => world.run([...inContainer, process.execPath, RCA, ...args]).done
      expect(await rca('monitor', '--once')).toMatchObject({ code: 0 })
      expect(await rca('resume', 'fix')).toMatchObject({ code: 4 })
      expect(world.runs).toHaveLength(1)
      expect(await world.status()).toMatchObject({ state: 'running' })
      world.go()
      await world.ends(1)
    },
  )

  test('died of a line that it could not write into its log', async ({ world }) => {
    const task = await world.atWork('--no-monitor')
    const argv = [process.execPath, RCA, 'monitor']
    world.run(['/bin/sh', '-c', 'exec "$@" 2> /dev/full', 'sh', ...argv])
    const monitor = await world.watched()
    await killAgent('SIGKILL')(world, task)
    world.go()
    expect(await world.rca(['wait', 'fix', '--timeout', '30s'])).toMatchObject({ code: 0 })
    expect(isRunning(monitor)).toBe(true)
    expect(monitorOf(world)).toBe(monitor)
  })

  test('asked without a pause for the end of a launch script that was stopped (Ctrl-Z)', async ({
    world,
  }) => {
    const task = await world.atWork()
    await world.watched()
    const { launcher } = newest(task)
    process.kill(launcher?.pid ?? 0, 'SIGSTOP')
    await killAgent('SIGKILL')(world, task)
    world.go()
    await until(() => world.runs.length === 2, 'the second run')
    await world.ends(2)
    const log = readFileSync(join(world.state, 'monitor.log'), 'utf8')
    expect(log.split('\n').filter((line) => line.includes('free-launcher')).length).toBeLessThan(3)
  })
})
