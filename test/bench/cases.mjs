// @ts-check
/**
 * What is measured, in the order of a round. Names are command lines, as far as there is one.
 *
 * @typedef {object} Case
 * @property {string} name
 * @property {string} [base]    The case that it is compared with.
 * @property {number} [mark]    The ratio must not be above it.
 * @property {(bed: import('./bed.mjs').Bed) => number} run   Gives ms.
 */

/** @type {readonly Case[]} */
export const CASES = [
  { name: 'node -e 0', run: (bed) => bed.time([process.execPath, '-e', '0']) },
  { name: 'rca --version', base: 'node -e 0', mark: 1.3, run: (bed) => bed.time(bed.rca('--version')) },
  {
    name: 'rca list --json, 200 tasks',
    base: 'node -e 0',
    mark: 2,
    run: (bed) => bed.time(bed.rca('list', '--json'), bed.full),
  },
  {
    name: 'rca list --json, no task',
    base: 'node -e 0',
    run: (bed) => bed.time(bed.rca('list', '--json'), bed.empty),
  },
  {
    name: 'rca status --json',
    base: 'node -e 0',
    run: (bed) => bed.time(bed.rca('status', 'codex-t7', '--json'), bed.full),
  },
  { name: 'node + tmux until the agent runs', run: (bed) => bed.bareStart() },
  {
    name: 'rca start until the agent runs',
    base: 'node + tmux until the agent runs',
    mark: 1.8,
    run: (bed) => bed.rcaStart(),
  },
  {
    name: 'node + tmux, no server yet',
    run: (bed) => bed.cold(() => bed.bareStart()),
  },
  {
    name: 'rca start, no server yet',
    base: 'node + tmux, no server yet',
    run: (bed) => bed.cold(() => bed.rcaStart()),
  },
]
