import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts', 'test/cli/**/*.test.ts'] } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/systemd/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Every test waits for processes of its own far more than it computes.
          maxConcurrency: 10,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          testTimeout: 150_000,
          hookTimeout: 60_000,
          maxConcurrency: 6,
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
