/** In what a task's launch scripts may run, the best first. */
export const TERMINALS = ['tmux', 'screen', 'plain'] as const
export type TerminalKind = (typeof TERMINALS)[number]
