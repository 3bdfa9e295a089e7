// @ts-check
/**
 * @typedef {object} Context
 * @property {number} runs
 * @property {boolean} short   What CI runs: fewer and smaller.
 * @property {import('../peers/index.mjs').PeerName[]} [only]
 * @property {Partial<Record<import('../peers/index.mjs').PeerName, string>>} missing
 * @property {(text: string) => void} progress
 *
 * @typedef {import('../table.mjs').Row} Row
 *
 * @typedef {object} Section
 * @property {string} name
 * @property {string} title
 * @property {(context: Context) => Promise<Row[]>} run
 */

/** What is measured is each verb alone, without a monitor beside it. */
export const ALONE = { monitor: false, policy: { restart: 'never' } }

/** Without the bounds that keep a real agent from being started again and again. */
export const RESTLESS = { policy: { maxResumesPerHour: 10_000, stallAfter: 'none' } }

/**
 * Rows for the peers that are not here.
 * @param {Context} context
 * @param {readonly import('../peers/index.mjs').PeerName[]} names
 * @returns {Row[]}
 */
export function missingRows({ missing }, names) {
  return names.flatMap((name) => {
    const why = missing[name]
    return why === undefined ? [] : [{ name, unit: '', values: [], missing: why }]
  })
}
