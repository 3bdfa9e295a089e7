import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect } from 'vitest'
import { unless } from '../../src/errors.ts'
import { isRunning, until } from '../e2e/harness.ts'
import { end, holdAt, killAgent, monitorOf, releaseAt } from './inject.ts'
import { type FaultWorld, test } from './world.ts'

const possible = spawnSync('unshare', ['-m', 'true']).status === 0
const BOOT_ID = '/proc/sys/kernel/random/boot_id'

describe.skipIf(!possible).concurrent('after a reboot', () => {
  test('the monitor finishes the task, and leaves alone who has the old pids now', async ({ world }) => {
    await world.atWork()
    await world.watched()
    shutDown(world)
    const stranger = world.run(['sleep', '1000'])
    await givePidsTo(world, stranger.child.pid ?? 0)
    await boot(world)
    expect(await world.status()).toMatchObject({ state: 'waiting' })
    world.go()
    const monitor = world.start(['monitor'])
    // Else wait begins one of its own.
    await until(() => monitorOf(world) === monitor.child.pid, 'the monitor to be there')
    expect(await world.rca(['wait', 'fix', '--timeout', '60s'])).toMatchObject({ code: 0 })
    expect(isRunning(stranger.child.pid ?? 0)).toBe(true)
    stranger.child.kill('SIGKILL')
    await world.ends(2)
    expect((await monitor.done).code).toBe(0)
  })

  test('in the middle of a launch', async ({ world }) => {
    const task = await world.atWork()
    await world.watched()
    holdAt(world, 'claimed')
    await killAgent('SIGKILL')(world, task)
    await end(await world.comesTo('claimed'), 'SIGKILL')
    releaseAt(world, 'claimed')
    shutDown(world)
    await boot(world)
    world.go()
    world.start(['monitor'])
    await world.ends(2)
  })

  test('a task that was killed stays killed', async ({ world }) => {
    await world.atWork()
    await world.rca(['kill', 'fix'])
    shutDown(world)
    await boot(world)
    world.start(['monitor'])
    await world.isKilled(1)
  })
})

/** Everything ends at once, and what lies in memory is gone. */
function shutDown(world: FaultWorld): void {
  // In one go: a monitor that lives a moment longer than the agent makes the next attempt.
  for (const { pid } of world.processes()) unless(['ESRCH'], true, () => process.kill(pid, 'SIGKILL'))
  for (const folder of [dirname(world.socket), world.screens])
    rmSync(folder, { recursive: true, force: true })
  for (const path of readdirSync(world.state, { recursive: true, encoding: 'utf8' }))
    if (path.endsWith('/alive')) rmSync(join(world.state, path))
}

/** The pids of the last boot's processes, with their start times even, are a stranger's now. */
async function givePidsTo(world: FaultWorld, pid: number): Promise<void> {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').trim()
  const boot = readFileSync(BOOT_ID, 'utf8').trim()
  const start = stat.slice(stat.lastIndexOf(')')).split(' ')[20] ?? ''
  const [dir = ''] = world.taskDirs
  for (const name of ['process', 'begun'])
    writeFileSync(join(dir, 'attempts/1', name), `proc ${boot} ${stat}\n`)
  const monitor = readFileSync(join(world.state, 'monitor'), 'utf8').split(' ')
  writeFileSync(join(world.state, 'monitor'), [boot, pid, start, ...monitor.slice(3)].join(' '))
}

/** From now on all that is run sees another boot id. */
async function boot(world: FaultWorld): Promise<void> {
  const id = join(world.root, 'boot_id')
  writeFileSync(id, '11111111-2222-4333-8444-555555555555\n')
  const script = `mount --bind "$0" ${BOOT_ID} && echo ready && exec sleep 1000`
  const machine = world.run(['unshare', '-m', 'sh', '-c', script, id], { env: { HOME: '/' } })
  await until(() => machine.output.stdout.includes('ready'), 'the second boot')
  world.through = ['nsenter', '-t', String(machine.child.pid), '-m', '-w']
}
