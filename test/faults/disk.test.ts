import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { isRunning, until } from '../e2e/harness.ts'
import { closeSession, type Inject, killAgent, killLaunchScriptAndAgent, killMonitor } from './inject.ts'
import { type FaultWorld, START, test } from './world.ts'

const possible = spawnSync('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs tmpfs /mnt']).status === 0

const BLOWS: [string, Inject][] = [
  ['the agent', killAgent('SIGKILL')],
  ['the launch script and the agent', killLaunchScriptAndAgent],
  ['the session', closeSession],
]

describe.skipIf(!possible).concurrent('the disk is full', () => {
  test.for(BLOWS)('and %s goes; space is freed, and the task is done', async ([, inject], { world }) => {
    await smallDisk(world)
    const task = await world.atWork()
    const monitor = await world.watched()
    const filler = fill(world)
    await inject(world, task)
    await until(() => world.agents().length === 0, 'the agent to be gone')
    await world.reaches('waiting')
    const resume = await world.rca(['resume', 'fix'])
    expect(resume.code).toBe(1)
    expect(resume.stderr).not.toContain('this is a bug')
    expect(isRunning(monitor)).toBe(true)
    expect(world.runs).toHaveLength(1)
    rmSync(filler)
    world.go()
    await world.ends(2)
  })

  test('and the agent ends well: done, whoever writes it down', async ({ world }) => {
    await smallDisk(world)
    await world.atWork()
    const monitor = await world.watched()
    const filler = fill(world)
    world.go()
    await until(() => world.agents().length === 0, 'the agent to be gone')
    const before = busyMs(monitor)
    await sleep(3_000)
    expect(isRunning(monitor)).toBe(true)
    // It tried to write the end down again and again, without a pause.
    expect(busyMs(monitor) - before).toBeLessThan(1_000)
    rmSync(filler)
    // What it printed last was lost with the space: it may have to say once more that it is done.
    await world.ends(null)
  })

  test('and monitor and agent go', async ({ world }) => {
    await smallDisk(world)
    const task = await world.atWork()
    await world.watched()
    const filler = fill(world)
    await killMonitor(world, task)
    await killAgent('SIGKILL')(world, task)
    await until(() => world.agents().length === 0, 'the agent to be gone')
    rmSync(filler)
    world.go()
    world.start(['monitor'])
    await world.ends(2)
  })

  test('at the start: that is said, and nothing is left of it', async ({ world }) => {
    await smallDisk(world)
    mkdirSync(world.state, { mode: 0o700, recursive: true })
    const filler = fill(world)
    const { code, stderr } = await world.rca(START)
    expect(code).toBe(1)
    expect(stderr).not.toContain('this is a bug')
    expect(world.runs).toEqual([])
    rmSync(filler)
    await world.atWork()
    world.go()
    await world.ends(1)
  })
})

/** The processor time that a process has had (proc(5), utime and stime), ms. */
function busyMs(pid: number): number {
  const [utime, stime] =
    readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 13) ?? []
  return (Number(utime) + Number(stime)) * 10
}

/** The state directory on a disk of its own, in a mount namespace that lives as long as the world. */
async function smallDisk(world: FaultWorld): Promise<void> {
  mkdirSync(world.state, { mode: 0o700 })
  const script = 'mount -t tmpfs -o size=1m,mode=0700 tmpfs "$0" && echo ready && exec sleep 1000'
  const disk = world.run(['unshare', '-m', 'sh', '-c', script, world.state], { env: { HOME: '/' } })
  await until(() => disk.output.stdout.includes('ready'), 'the disk')
  world.state = `/proc/${disk.child.pid}/root${world.state}`
}

/** Takes all the space that is left. */
function fill(world: FaultWorld): string {
  const path = join(world.state, 'filler')
  const fd = openSync(path, 'w')
  const block = Buffer.alloc(4_096)
  try {
    for (;;) writeSync(fd, block)
  } catch {
    return path
  } finally {
    closeSync(fd)
  }
}
