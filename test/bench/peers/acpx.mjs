// @ts-check

/**
 * The agent runner from npm that comes nearest (looked at: 0.19.1): it hands prompts to coding agents from the command line and
 * returns (--no-wait), and a process of its own keeps the agent. It is named and not measured.
 * @type {import('./peer.mjs').Peer}
 */
export const acpx = {
  name: 'acpx, an agent runner from npm',
  missing: () =>
    'not the same job: needs Node 22.13, runs agents over the Agent Client Protocol, and takes a broken one up again at the next prompt only',
  open: () => {
    throw new Error('acpx is not measured')
  },
}
