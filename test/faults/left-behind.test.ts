import { describe } from 'vitest'
import { killLaunchScript } from './inject.ts'
import { test } from './world.ts'

describe.concurrent('nothing is left behind', () => {
  test('of a launch script that was killed: its helpers ran on and its FIFO stayed', async ({ world }) => {
    const task = await world.atWork('--no-monitor')
    await killLaunchScript(world, task)
    world.go()
    await world.ends(1)
  })
})
