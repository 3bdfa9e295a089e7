import { installAgents } from './install.mjs'

/** Installs the agents, once per lock file. */
export async function setup(): Promise<void> {
  await installAgents()
}
