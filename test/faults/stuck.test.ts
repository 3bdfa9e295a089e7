import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { isRunning, RCA, until } from '../e2e/harness.ts'
import { killAgent, monitorOf, newest } from './inject.ts'
import { test } from './world.ts'

describe.concurrent('the monitor', () => {
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
