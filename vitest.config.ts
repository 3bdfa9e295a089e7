import { defineConfig } from 'vitest/config'

/** What a task may run in besides tmux. */
const OTHERS = ['screen', 'plain']
const E2E = {
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // Every test waits for processes of its own far more than it computes.
  maxConcurrency: 10,
}
const FAULTS = ['test/faults/**/*.test.ts']
const STAGED = { testTimeout: 150_000, hookTimeout: 60_000, maxConcurrency: 6 }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/cli/**/*.test.ts'],
          // Some run hundreds of shells.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/systemd/**/*.test.ts'],
          ...E2E,
        },
      },
      // The main scenarios once more where there is no tmux.
      ...OTHERS.map((terminal) => ({
        test: {
          name: `e2e-${terminal}`,
          include: ['main', 'resume', 'wait'].map((name) => `test/e2e/${name}.test.ts`),
          env: { RCA_TEST_TERMINAL: terminal },
          ...E2E,
        },
      })),
      { test: { name: 'faults', include: FAULTS, ...STAGED } },
      ...OTHERS.map((terminal) => ({
        test: {
          name: `faults-${terminal}`,
          include: FAULTS,
          // The one runs in no terminal, the other chooses its own.
          exclude: ['test/faults/ledger.test.ts', 'test/faults/fallback.test.ts'],
          env: { RCA_TEST_TERMINAL: terminal },
          ...STAGED,
        },
      })),
      {
        test: {
          name: 'notify',
          include: ['test/notify/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 400_000,
        },
      },
      {
        test: {
          name: 'agents',
          include: ['test/agents/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 600_000,
          fileParallelism: false,
          // As many agents at a time as two cores bear.
          maxConcurrency: 2,
          globalSetup: ['test/agents/global-setup.ts'],
        },
      },
    ],
  },
})
