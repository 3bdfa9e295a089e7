type Env = Readonly<Record<string, string | undefined>>

/**
 * What a terminal that is born from our call must not inherit: it outlives this process, and marks of the caller's session
 * or of an agent that called rca would stick to everything it ever runs.
 */
export function serverEnvironment(env: Env): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (
      value !== undefined &&
      !/^(TMUX|TMUX_PANE|STY|WINDOW|RCA_.*|TASK_TMPDIR|CLAUDECODE|CLAUDE_CODE_.*|CODEX_.*)$/.test(name)
    ) {
      kept[name] = value
    }
  }
  return kept
}
