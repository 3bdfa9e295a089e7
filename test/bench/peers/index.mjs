// @ts-check
import { acpx } from './acpx.mjs'
import { pm2 } from './pm2.mjs'
import { rca } from './rca.mjs'
import { recipe } from './recipe.mjs'
import { screen } from './screen.mjs'
import { supervisord } from './supervisord.mjs'
import { systemd } from './systemd.mjs'
import { tmux } from './tmux.mjs'
import { tsp } from './tsp.mjs'

/** @typedef {import('./peer.mjs').Peer} Peer */

export const PEERS = { rca, tmux, recipe, pm2, supervisord, tsp, screen, systemd, acpx }

/**
 * @typedef {keyof typeof PEERS} PeerName
 * @typedef {Partial<Record<PeerName, import('./peer.mjs').Runner>>} Runners
 */

/** Why the peers that are not here are not.
 * @returns {Promise<Partial<Record<PeerName, string>>>}
 */
export async function findMissing() {
  /** @type {Partial<Record<PeerName, string>>} */
  const missing = {}
  for (const [name, peer] of Object.entries(PEERS)) {
    const why = await peer.missing()
    if (why) missing[/** @type {PeerName} */ (name)] = why
  }
  return missing
}

/**
 * Opens those of the named peers that are here, hands them over, and closes them.
 * @template T
 * @param {import('../yard.mjs').Yard} yard
 * @param {readonly PeerName[]} names
 * @param {Partial<Record<PeerName, string>>} missing
 * @param {(runners: Runners) => Promise<T>} use
 */
export async function withPeers(yard, names, missing, use) {
  /** @type {Runners} */
  const runners = {}
  try {
    for (const name of names) if (!missing[name]) runners[name] = await PEERS[name].open(yard)
    return await use(runners)
  } finally {
    for (const runner of Object.values(runners)) await runner.close()
  }
}
