// @ts-check
/** What the demo's task is about: a small project with a bug, and the model's part in mending it. */

export const TASK = 'fix-total'
export const SESSION = `pi-${TASK}`
export const PROMPT = 'Fix the failing test, note it in CHANGES.md, log steps in steps.log'

/** What proves that a step is done: its line in steps.log. In this order. */
export const LEDGER = ['1 saw the test fail', '2 fixed total.mjs', '3 all tests pass', '4 noted it']

/** How long the slow tests take: the agent is killed during these seconds. */
const SLOW_S = 5

/** @type {Record<string, string>} */
export const FILES = {
  'total.mjs': "export const total = (prices) => prices.reduce((sum, price) => sum + price, '')\n",
  'test.mjs': `import { total } from './total.mjs'

const seen = total([20, 3])
if (seen !== 23) {
  console.log(\`FAIL  total([20, 3]) is \${JSON.stringify(seen)}, not 23\`)
  process.exit(1)
}
if (process.argv.includes('--all')) await new Promise((resolve) => setTimeout(resolve, ${SLOW_S}_000))
console.log('ok    total')
`,
}

/**
 * @param {number} n 1-based
 */
const log = (n) => `echo '${LEDGER[n - 1]}' | tee -a steps.log`

/** @type {import('../model-server/script.mjs').Step[]} */
const steps = [
  { text: 'First I run the test.', command: `node test.mjs; ${log(1)}` },
  {
    text: "It begins with '' and so joins the prices as text. It has to begin with 0.",
    command: `sed -i.old "s/''/0/" total.mjs && ${log(2)}`,
  },
  { text: 'Now all tests, the slow ones too.', command: `node test.mjs --all && ${log(3)}` },
  {
    text: 'They pass. I note the fix.',
    command: `echo '- total() adds prices up' > CHANGES.md && ${log(4)}`,
  },
]

/** @type {import('../model-server/script.mjs').Script} */
export const SCRIPT = {
  steps: steps.map((step, i) => ({ ...step, token: LEDGER[i] ?? '' })),
  final: 'Fixed: total() began with an empty string. All tests pass, CHANGES.md says so.',
  delayMs: 250,
}
