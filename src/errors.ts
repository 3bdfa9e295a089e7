/** Exit codes of the contract. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  unknown: 4,
  conflict: 5,
  unavailable: 69,
  config: 78,
  timeout: 124,
  gaveUp: 125,
} as const

export type ErrorCode =
  | 'failed'
  | 'usage'
  | 'not-found'
  | 'unknown-state'
  | 'conflict'
  | 'unavailable'
  | 'config'
  | 'timeout'
  | 'gave-up'

const EXIT_OF: Record<ErrorCode, number> = {
  failed: EXIT.failed,
  usage: EXIT.usage,
  'not-found': EXIT.notFound,
  'unknown-state': EXIT.unknown,
  conflict: EXIT.conflict,
  unavailable: EXIT.unavailable,
  config: EXIT.config,
  timeout: EXIT.timeout,
  'gave-up': EXIT.gaveUp,
}

/** An error that the person at the keyboard can act on: one line, a hint, an exit code; never a stack. */
export class RcaError extends Error {
  readonly code: ErrorCode
  readonly hint: string | null
  readonly exitCode: number
  /** One word for what no further attempt can heal, or null. */
  readonly hopeless: string | null
  /** More for programs, beside the message. */
  details: Readonly<Record<string, unknown>> = {}

  constructor(code: ErrorCode, message: string, hint: string | null = null, hopeless: string | null = null) {
    super(message)
    this.name = 'RcaError'
    this.code = code
    this.hint = hint
    this.exitCode = EXIT_OF[code]
    this.hopeless = hopeless
  }
}

/** The errno name (`ENOENT`) of an error from Node's own modules, or null. */
export function errno(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}

/** Runs `action`; where it throws one of `codes` the answer is `fallback`. */
export function unless<T, F>(codes: readonly string[], fallback: F, action: () => T): T | F {
  try {
    return action()
  } catch (error) {
    if (codes.includes(errno(error) ?? '')) return fallback
    throw error
  }
}
