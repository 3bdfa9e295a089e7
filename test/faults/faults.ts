import type { TerminalKind } from '../../src/terminal/kinds.ts'
import { TERMINAL } from '../e2e/harness.ts'
import {
  agentEndsOf,
  both,
  closeSession,
  type Inject,
  killAgent,
  killLaunchScript,
  killLaunchScriptAndAgent,
  killMonitor,
  killPaneShell,
  killTerminal,
} from './inject.ts'
import { order } from './world.ts'

/**
 * One thing that goes wrong while an agent is in the middle of a step; the task must reach its good end all the same.
 * "The terminal" is the tmux server, the screen that is the session or, without one, the launch script's process group.
 */
export interface Fault {
  readonly name: string
  /** Over the settings of the table's tests. */
  readonly policy?: Readonly<Record<string, unknown>>
  /** What is to be there before the start: `stay` and the like. */
  readonly knobs?: readonly string[]
  readonly inject: Inject
  /** How often the agent is run in the end; null: it depends on who comes first. */
  readonly runs: number | null
  /** Whether any agent can be struck by it, or only one that takes orders. */
  readonly on: 'any' | 'fake'
  /** In what it makes no sense, and why. */
  readonly notOn?: { readonly [Kind in TerminalKind]?: string }
}

/** The fake agent does this in the middle of its step, and ends of it. */
const does =
  (script: string): Inject =>
  (place, task) =>
    agentEndsOf(task, () => order(place, script))

const TORN_LINE = `printf '{"type":"item.completed","item":{"id":"m","type":"agent_mess'`

export const FAULTS: readonly Fault[] = [
  { name: 'nothing goes wrong', inject: async () => {}, runs: 1, on: 'any' },
  { name: 'the agent gets SIGKILL', inject: killAgent('SIGKILL'), runs: 2, on: 'any' },
  { name: 'the agent gets SIGTERM', inject: killAgent('SIGTERM'), runs: 2, on: 'any' },
  { name: 'the agent dies of SIGSEGV', inject: killAgent('SIGSEGV'), runs: 2, on: 'any' },
  { name: 'the agent exits 0 without a final event', inject: does('exit 0'), runs: 2, on: 'fake' },
  { name: 'the agent exits 1', inject: does('exit 1'), runs: 2, on: 'fake' },
  {
    name: 'the agent is cut in the middle of a line',
    inject: does(`${TORN_LINE}; kill -9 $$`),
    runs: 2,
    on: 'fake',
  },
  {
    name: 'the agent exits 0 in the middle of a line',
    inject: does(`${TORN_LINE}; exit 0`),
    runs: 2,
    on: 'fake',
  },
  { name: 'the launch script dies, the agent lives on', inject: killLaunchScript, runs: 1, on: 'any' },
  {
    name: 'the launch script dies, then the agent',
    inject: killLaunchScriptAndAgent,
    runs: 2,
    on: 'any',
  },
  {
    name: 'the launch script and the agent die at once',
    inject: both(killLaunchScript, killAgent('SIGKILL')),
    runs: 2,
    on: 'any',
  },
  {
    name: 'the shell that ran the launch script dies',
    inject: killPaneShell,
    runs: 2,
    on: 'any',
    notOn: { plain: 'no shell runs it' },
  },
  { name: 'the session is closed', inject: closeSession, runs: 2, on: 'any' },
  { name: 'the terminal gets SIGKILL', inject: killTerminal('SIGKILL'), runs: 2, on: 'any' },
  { name: 'the terminal gets SIGTERM', inject: killTerminal('SIGTERM'), runs: 2, on: 'any' },
  {
    name: 'the monitor dies, then the agent',
    inject: async (place, task) => {
      await killMonitor(place, task)
      await killAgent('SIGKILL')(place, task)
    },
    runs: 2,
    on: 'any',
  },
  {
    name: 'the monitor and the agent die at once',
    inject: both(killMonitor, killAgent('SIGKILL')),
    runs: 2,
    on: 'any',
  },
  {
    name: 'the monitor dies, then the terminal',
    inject: async (place, task) => {
      await killMonitor(place, task)
      await killTerminal('SIGKILL')(place, task)
    },
    runs: 2,
    on: 'any',
  },
  {
    name: 'the monitor, the launch script and the agent die',
    inject: async (place, task) => {
      await killMonitor(place, task)
      await killLaunchScriptAndAgent(place, task)
    },
    runs: 2,
    on: 'any',
  },
  {
    name: 'everything dies: monitor, terminal, launch script, agent',
    inject: async (place, task) => {
      await killMonitor(place, task)
      // Without a terminal these two are all there is.
      await killLaunchScriptAndAgent(place, task)
      if (TERMINAL !== 'plain') await killTerminal('SIGKILL')(place, task)
    },
    runs: 2,
    on: 'any',
  },
]
