export const STATES = [
  'starting',
  'running',
  'stalled',
  'waiting',
  'done',
  'failed',
  'killed',
  'lost',
  'unknown',
] as const
export type State = (typeof STATES)[number]

/** States in which an agent works or is about to. */
export const isLive = (state: State) => ['starting', 'running', 'stalled', 'waiting'].includes(state)
