import type { AgentName, Driver } from './driver.ts'

/** Loads one agent's driver. A fifth agent is one more file and one more line here. */
const LOAD: Record<AgentName, () => Promise<Driver>> = {
  codex: async () => (await import('./codex.ts')).codex,
  claude: async () => (await import('./claude.ts')).claude,
  opencode: async () => (await import('./opencode.ts')).opencode,
  pi: async () => (await import('./pi.ts')).pi,
}

export function driverFor(agent: AgentName): Promise<Driver> {
  return LOAD[agent]()
}
