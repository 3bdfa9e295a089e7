import type { AttemptEnd, Verdict } from './driver.ts'
import { parseOpencodeStderr } from './opencode-events.ts'
import { apiComplaint, type Complaint, judgeEnd, plainLines } from './opencode-pi-common.ts'

// How opencode 1.18.33 words its failures. A run that was refused a permission for want of `--auto` ends with code 0.

const LOGIN = 'Run `opencode auth login`, or hand an API key on with --env.'
const MODELS =
  '`opencode models` lists what can be used; a provider without credentials has none (`opencode auth login`).'

export function judgeOpencode(end: AttemptEnd): Verdict {
  return judgeEnd(end, complain)
}

function complain(end: AttemptEnd): Complaint | null {
  const { summary, exit, stderrTail } = end
  const code = exit && 'code' in exit ? exit.code : null
  if (code === 0 && !summary.final && !summary.lastError && summary.denials.length > 0) {
    const reason = `stopped for lack of permission: ${summary.denials.at(-1)}`
    return { cause: 'permission', reason, hint: 'Allow it in opencode.json, or give the task more --access.' }
  }
  const said = summary.final?.message ?? summary.lastError
  const words = said && !/^Unexpected server error/.test(said) ? said : (loggedError(stderrTail) ?? said)
  if (words) return sort(words, end)
  return code === 0 ? null : fromStderr(plainLines(stderrTail))
}

function loggedError(stderr: string): string | null {
  const last = stderr.split('\n').flatMap(parseOpencodeStderr).at(-1)
  return last?.kind === 'error' ? last.message : null
}

function sort(reason: string, end: AttemptEnd): Complaint {
  if (/ModelNotFound|Model not found/.test(reason)) return { cause: 'bad-arguments', reason, hint: MODELS }
  return apiComplaint(reason, { login: LOGIN, model: MODELS }, end)
}

/** An option it does not know makes opencode print its help and nothing else. */
function fromStderr(lines: readonly string[]): Complaint | null {
  const error = lines.findLast((line) => line.startsWith('Error:'))
  if (error?.includes('Session not found')) {
    return {
      cause: 'no-such-session',
      reason: error,
      hint: 'It was deleted, or belongs to another HOME: start anew.',
    }
  }
  if (error && /Config file .* not valid|Configuration is invalid/i.test(error)) {
    return { cause: 'bad-arguments', reason: error, hint: 'Correct that configuration, then `rca resume`.' }
  }
  if (error?.includes('must provide a message')) return { cause: 'bad-prompt', reason: error, hint: null }
  if (lines.some((line) => line.startsWith('--auto ') || line === 'Options:')) {
    const reason = 'opencode did not understand its arguments and printed its help'
    return { cause: 'bad-arguments', reason, hint: 'See `opencode run --help` for what this version takes.' }
  }
  const reason = error ?? lines.at(-1)
  return reason ? { cause: 'crashed', reason, hint: null } : null
}
