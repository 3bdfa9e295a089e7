import { RcaError } from '../errors.ts'
import { args, say } from '../setting-types.ts'
import { which } from '../system/which.ts'
import * as z from '../zod.ts'
import { channelKind } from './channel.ts'
import type { Notice } from './notice.ts'
import { runProgram } from './program.ts'

const argv = args.check(
  z.refine((list) => list.length > 0 && list[0] !== '', {
    error: ({ input }) => say(input, 'names no program', 'Like ["/usr/local/bin/told", "--quietly"].'),
  }),
)

/**
 * The words of `command:…`. No shell reads them: they are split at blanks, and whatever a shell would take for more than a
 * letter is refused rather than taken for one. A JSON array of strings holds anything. Null: that is neither. Pure.
 */
export function wordsOf(text: string): unknown {
  if (text.trimStart().startsWith('[')) return parsed(text)
  const words = text.split(/[ \t]+/).filter(Boolean)
  return words.length > 0 && words.every((word) => /^[\w@%+=:,./-]+$/.test(word)) ? words : null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** The variables that tell a program of a notice; the whole of it is on its standard input. (RCA_ATTEMPT marks an agent.) Pure. */
export function noticeVariables(notice: Notice, tries: number): Record<string, string> {
  const given = {
    RCA_NOTICE_ID: notice.id,
    RCA_EVENT: notice.event,
    RCA_TASK: notice.name,
    RCA_AGENT: notice.agent,
    RCA_STATE: notice.state,
    RCA_TITLE: notice.title,
    RCA_TEXT: notice.text,
    RCA_REASON: notice.reason,
    RCA_CAUSE: notice.cause,
    RCA_UNTIL: notice.until,
    RCA_CWD: notice.cwd,
    RCA_TASK_DIR: notice.taskDir,
    RCA_AT: notice.at,
    RCA_TRY: String(tries),
  }
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, value ?? '']))
}

/** Runs a program: the notice as JSON on its standard input and in RCA_* variables, never in its arguments. */
export const command = channelKind({
  type: 'command',
  timeoutMs: 30_000,
  shape: { argv },
  runs: true,
  inline: (text) => (text === null ? null : { argv: wordsOf(text) }),
  fix: ({ argv: given }, { env, cwd }) => {
    const [program = '', ...rest] = given
    const found = which(program, env.PATH ?? '', cwd)
    if (!found)
      throw new RcaError('usage', `There is no program ${program}`, 'A notification channel is to run it.')
    return { argv: [found, ...rest] }
  },
  address: ({ argv: [program = ''] }) => program,
  secrets: () => [],
  deliver: ({ notice, settings, env, tries, signal }) =>
    runProgram({
      argv: settings.argv,
      env: { ...env, ...noticeVariables(notice, tries) },
      stdin: `${JSON.stringify(notice)}\n`,
      signal,
    }),
})
