import { describe } from 'vitest'
import { TERMINAL } from '../e2e/harness.ts'
import { FAULTS } from './faults.ts'
import { supervised, test } from './world.ts'

describe.concurrent('a task reaches its good end although', () => {
  for (const { name, policy, knobs = [], inject, runs, notOn } of FAULTS) {
    test(name, async ({ world, skip }) => {
      if (notOn?.[TERMINAL]) skip(`${TERMINAL}: ${notOn[TERMINAL]}`)
      world.config(supervised(policy))
      for (const knob of knobs) world.write(knob)
      const task = await world.atWork()
      await world.watched()
      await inject(world, task)
      world.go()
      await world.ends(runs)
    })
  }
})
