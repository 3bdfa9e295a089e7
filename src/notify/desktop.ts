import { existsSync } from 'node:fs'
import { which } from '../system/which.ts'
import { channelKind } from './channel.ts'
import { type Notice, shorten } from './notice.ts'
import { runProgram } from './program.ts'

const TEXT_LENGTH = 400

/**
 * macOS: the words are arguments of the script and never a part of it. (`display notification` shows the title above the
 * text; osascript(1) hands what follows the script to `on run argv`.)
 */
const APPLESCRIPT = [
  'on run argv',
  'display notification (item 2 of argv) with title (item 1 of argv)',
  'end run',
]

/**
 * The program that shows a notice. On Linux notify-send of libnotify 0.8: a daemon may take the text for markup (Desktop
 * Notifications Specification 1.2, "Markup"), notify-send itself takes backslashes in it for escapes, and a daemon that knows
 * stack tags (dunst) shows a repeat in the place of the first. Pure.
 */
export function desktopCommand(platform: NodeJS.Platform, notice: Notice): string[] {
  const { id, title, event } = notice
  const text = shorten(notice.text, TEXT_LENGTH)
  if (platform === 'darwin')
    return ['osascript', ...APPLESCRIPT.flatMap((line) => ['-e', line]), '--', title, text]
  const urgency = event === 'failed' || event === 'gave-up' ? 'critical' : event === 'done' ? 'normal' : 'low'
  const hints = ['--hint', `string:x-dunst-stack-tag:${id}`, '--hint', `string:x-rca-notice:${id}`]
  const marked = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return [
    'notify-send',
    '--app-name=rca',
    `--urgency=${urgency}`,
    ...hints,
    '--',
    title,
    marked.replaceAll('\\', '\\\\'),
  ]
}

type Env = Readonly<Record<string, string>>

/** A session bus: the caller's, or the one that systemd gives every user. Pure but for that look. */
function withBus(env: Env): Env {
  const usual = `${env.XDG_RUNTIME_DIR ?? `/run/user/${process.getuid?.() ?? 0}`}/bus`
  if (env.DBUS_SESSION_BUS_ADDRESS || !existsSync(usual)) return env
  return { ...env, DBUS_SESSION_BUS_ADDRESS: `unix:path=${usual}` }
}

/** The notifications of the desktop, on Linux and macOS. */
export const desktop = channelKind({
  type: 'desktop',
  timeoutMs: 10_000,
  shape: {},
  runs: true,
  inline: (text) => (text === null ? {} : null),
  address: () => 'this desktop',
  secrets: () => [],
  deliver: async ({ notice, env: kept, signal }) => {
    const env = withBus(kept)
    const [name = '', ...rest] = desktopCommand(process.platform, notice)
    const program = which(name, env.PATH ?? '/usr/local/bin:/usr/bin:/bin', '/')
    if (!program) return { ok: false, error: `${name} is not installed (on Debian: libnotify-bin)` }
    if (process.platform !== 'darwin' && !env.DBUS_SESSION_BUS_ADDRESS)
      return { ok: false, error: 'there is no session bus: nobody is logged in to a desktop' }
    return runProgram({ argv: [program, ...rest], env, signal })
  },
})
