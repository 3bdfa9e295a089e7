/** Takes out of texts what nobody else may read. All pure. */

/**
 * Captured variables whose values say where programs and folders are, and no secret: masked, they would make a text
 * unreadable (`/root`, `C.UTF-8`). A trailing `*` is a prefix.
 */
const PLAIN =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_.*|TZ|TERM|TMPDIR|EDITOR|VISUAL|DISPLAY|WAYLAND_DISPLAY|XDG_.*|DBUS_SESSION_BUS_ADDRESS|SSH_AUTH_SOCK|SSH_AGENT_PID|GPG_TTY|GNUPGHOME|RCA_HOME|RCA_TMUX_SOCKET|GIT_(AUTHOR|COMMITTER)_(NAME|EMAIL|DATE))$/
const SECRET = /KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|COOKIE/i
/** Shorter values of variables that do not sound secret are words (`1`, `yes`) that stand everywhere. */
const SHORTEST = 4
const SHORTEST_SECRET = 3
/** A part of a value this long (a line of a key, a password in an address) gives it away as well. */
const SHORTEST_PART = 6

/** A value and what is shown instead of it. */
type Masked = readonly [value: string, shown: string]

/** Makes a function that puts `$NAME` in the place of every value of the captured environment. */
export function maskFor(env: Readonly<Record<string, string>>): (text: string) => string {
  const shown = new Map(Object.entries(env).flatMap(([name, value]) => maskedOf(name, value)))
  if (shown.size === 0) return (text) => text
  // A value may hold a shorter one.
  const values = [...shown.keys()].sort((a, b) => b.length - a.length)
  const any = new RegExp(values.map((one) => one.replaceAll(/[^\w\s]/g, '\\$&')).join('|'), 'g')
  return (text) =>
    values.reduce(
      (now, one) => withoutCut(now, one, shown.get(one) ?? ''),
      text.replace(any, (value) => shown.get(value) ?? ''),
    )
}

function maskedOf(name: string, value: string): Masked[] {
  if (PLAIN.test(name)) return []
  const least = SECRET.test(name) ? SHORTEST_SECRET : SHORTEST
  const parts = [...linesOf(value), ...credentialsIn(value)].filter((one) => one.length >= SHORTEST_PART)
  const all = [value, value.trim(), ...parts].filter((one) => one.trim().length >= least)
  return all.map((one) => [one, `$${name}`])
}

const linesOf = (value: string) => (value.includes('\n') ? value.split('\n').map((line) => line.trim()) : [])

/** The user and the password in an address (a proxy, a database), as written and as meant. */
function credentialsIn(value: string): string[] {
  const [, user = '', password = ''] = /^[a-z][a-z0-9+.-]*:\/\/([^:@/\s]*):?([^@/\s]*)@/i.exec(value) ?? []
  return [user, password].flatMap((one) => [one, decoded(one)])
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * Puts `…` in the place of a channel's own secrets, wherever they are quoted (an error, a receiver's answer): receivers like to
 * say which path of theirs nobody answers at.
 */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const values = secrets
    .flatMap((one) => [one, ...partsOf(one)])
    .filter((one) => one.length > 3)
    .sort((a, b) => b.length - a.length)
  const masked = values.reduce((now, one) => now.replaceAll(one, '…'), text)
  return values.reduce((now, one) => withoutCut(now, one, '…'), masked)
}

/** What of an address gives it away, the longest first. */
function partsOf(secret: string): string[] {
  if (!/^https?:/i.test(secret) || !URL.canParse(secret)) return []
  const { pathname, search, searchParams, username, password } = new URL(secret)
  const pieces = [...pathname.split('/'), ...searchParams.values()].filter(
    (one) => one.length >= SHORTEST_PART,
  )
  const all = [`${pathname}${search}`, pathname, search, username, password, ...pieces]
  return all.flatMap((one) => [one, decoded(one)])
}

/** A text that was cut off (`…`) in the middle of a value ends with the beginning of it. */
function withoutCut(text: string, value: string, shown: string): string {
  if (!text.endsWith('…')) return text
  const rest = text.slice(0, -1)
  for (let length = Math.min(value.length - 1, rest.length); length >= SHORTEST_PART; length--)
    if (rest.endsWith(value.slice(0, length))) return `${rest.slice(0, -length)}${shown}…`
  return text
}
