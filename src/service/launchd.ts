import { join } from 'node:path'
import { MARK, type Seen, type Service, type Step } from './service.ts'

// Written from launchd.plist(5) and launchctl(1) of macOS 14; the texts are tested, a Mac has not run them.

const LABEL = 'resilient-coding-agent.monitor'

export const plistPath = (home: string) => join(home, 'Library/LaunchAgents', `${LABEL}.plist`)

/** Text between two XML tags. Control characters have been refused before. */
export function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

const string = (text: string) => `<string>${xml(text)}</string>`

/**
 * The launch agent of the monitor. KeepAlive with SuccessfulExit=false: an exit code other than 0 or a signal brings it back,
 * `rca monitor stop` does not. AbandonProcessGroup: what the monitor has started outlives it. ProcessType=Interactive: else
 * launchd throttles the job's processor and disk use, and a tmux server that the monitor starts would hand that on to every
 * agent in it. Umask is decimal. Pure.
 */
export function plistText(service: Service, log: string): string {
  const env = Object.entries(service.env).map(
    ([name, value]) => `    <key>${xml(name)}</key>${string(value)}`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ${MARK}, which overwrites changes made here. -->
<plist version="1.0">
<dict>
  <key>Label</key>${string(LABEL)}
  <key>ProgramArguments</key>
  <array>
${service.command.map((word) => `    ${string(word)}`).join('\n')}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
${env.join('\n')}
  </dict>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key><false/>
  </dict>
  <key>AbandonProcessGroup</key><true/>
  <key>ProcessType</key><string>Interactive</string>
  <key>Umask</key><integer>${0o077}</integer>
  <key>StandardErrorPath</key>${string(log)}
</dict>
</plist>
`
}

export const printAgent = (uid: number) => ['launchctl', 'print', `gui/${uid}/${LABEL}`]

/** Reads `launchctl print`: what it finds is loaded, and loaded means started at every login. Pure. */
export function parsePrint(found: boolean, answer: string): Pick<Seen, 'enabled' | 'active' | 'pid'> {
  const pid = Number(/^\s*pid = (\d+)$/m.exec(answer)?.[1] ?? 0) || null
  return { enabled: found, active: found && /^\s*state = running$/m.test(answer), pid }
}

const launchctl = (...args: string[]): Step => ({ do: 'run', argv: ['launchctl', ...args] })

/** What is missing between what was seen and a loaded, running agent. Pure. */
export function installAgent(service: Service, uid: number, path: string, log: string, seen: Seen): Step[] {
  const content = plistText(service, log)
  const changed = seen.text !== content
  const target = `gui/${uid}/${LABEL}`
  const load = [launchctl('enable', target), launchctl('bootstrap', `gui/${uid}`, path)]
  const write: Step[] = changed ? [{ do: 'write', path, content }] : []
  if (!seen.enabled) return [...write, ...load]
  if (changed) return [...write, launchctl('bootout', target), ...load]
  return seen.active ? [] : [launchctl('kickstart', target)]
}

export function uninstallAgent(uid: number, path: string, seen: Seen): Step[] {
  if (!seen.installed) return []
  const unload = seen.enabled ? [launchctl('bootout', `gui/${uid}/${LABEL}`)] : []
  return [...unload, { do: 'remove', path }]
}
