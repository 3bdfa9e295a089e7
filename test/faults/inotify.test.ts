import { spawnSync } from 'node:child_process'
import { describe, expect } from 'vitest'
import { RCA } from '../e2e/harness.ts'
import { killAgent } from './inject.ts'
import { test } from './world.ts'

/** In a user namespace of its own, where inotify gives nobody a watch. */
const WITHOUT = [
  ...['unshare', '-U', '-r', 'sh', '-c'],
  ...['echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"', 'sh'],
]
const possible = spawnSync(WITHOUT[0] ?? '', [...WITHOUT.slice(1), 'true']).status === 0

describe.concurrent('where inotify has no watch left', () => {
  test.skipIf(!possible)('the monitor ended as soon as it started', async ({ world }) => {
    const task = await world.atWork('--no-monitor')
    const monitor = world.run([...WITHOUT, process.execPath, RCA, 'monitor'])
    await world.watched()
    await killAgent('SIGKILL')(world, task)
    world.go()
    await world.ends(2)
    expect((await monitor.done).code).toBe(0)
  })
})
