import { describe, expect, it } from 'vitest'
import { installAgent, parsePrint, plistPath, plistText, printAgent, uninstallAgent, xml } from './launchd.ts'
import { MARK, NOTHING, type Seen, type Step } from './service.ts'

const SERVICE = {
  command: ['/usr/local/bin/node', '/opt/<r&c"a>/bin/rca.js', 'monitor'],
  env: { HOME: '/Users/x', PATH: "/a&b:/it's" },
  state: '/state',
  manual: '',
}
const LABEL = 'resilient-coding-agent.monitor'

describe('plistText', () => {
  const text = plistText(SERVICE, '/Users/x/Library/Logs/rca-monitor.log')
  const flat = text.replaceAll(/\n\s*/g, '')
  it.each([
    ['its label', `<key>Label</key><string>${LABEL}</string>`],
    [
      'the command, escaped',
      '<array><string>/usr/local/bin/node</string><string>/opt/&lt;r&amp;c"a&gt;/bin/rca.js</string><string>monitor</string></array>',
    ],
    [
      'the environment, escaped',
      "<dict><key>HOME</key><string>/Users/x</string><key>PATH</key><string>/a&amp;b:/it's</string></dict>",
    ],
    ['a start at login', '<key>RunAtLoad</key><true/>'],
    ['a restart after a crash only', '<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>'],
    ['that nothing ends with it', '<key>AbandonProcessGroup</key><true/>'],
    ['its umask, decimal', '<key>Umask</key><integer>63</integer>'],
    ['its log', '<key>StandardErrorPath</key><string>/Users/x/Library/Logs/rca-monitor.log</string>'],
    ['the mark, in a comment without two hyphens', `<!-- ${MARK}, which overwrites changes made here. -->`],
  ])('says %s', (_, part) => expect(flat).toContain(part))
  it('lies where launchd looks', () => {
    expect(plistPath('/Users/x')).toBe(`/Users/x/Library/LaunchAgents/${LABEL}.plist`)
  })
  it('escapes every character of XML once', () => expect(xml('&lt;<>&')).toBe('&amp;lt;&lt;&gt;&amp;'))
})

describe('parsePrint', () => {
  it('reads a running agent', () => {
    const answer = `gui/501/${LABEL} = {\n\tactive count = 1\n\tstate = running\n\n\tpid = 4711\n\timmediate reason = x\n}\n`
    expect(parsePrint(true, answer)).toEqual({ enabled: true, active: true, pid: 4711 })
  })
  it('reads one that waits', () => {
    expect(parsePrint(true, '\tstate = not running\n')).toEqual({ enabled: true, active: false, pid: null })
  })
  it('knows one that is not loaded', () => {
    expect(parsePrint(false, '')).toEqual({ enabled: false, active: false, pid: null })
  })
  it('asks for this user', () => expect(printAgent(501).at(-1)).toBe(`gui/501/${LABEL}`))
})

describe('installAgent', () => {
  const brief = (step: Step) => (step.do === 'run' ? step.argv.slice(1).join(' ') : step.do)
  const up: Seen = {
    ...NOTHING,
    text: plistText(SERVICE, '/log'),
    installed: true,
    enabled: true,
    active: true,
  }
  const load = [`enable gui/501/${LABEL}`, 'bootstrap gui/501 /p']
  it.each<[string, Partial<Seen>, string[]]>([
    ['all is well', {}, []],
    ['nothing is there', { ...NOTHING, enabled: false }, ['write', ...load]],
    ['it is not loaded', { enabled: false, active: false }, load],
    ['it was stopped', { active: false }, [`kickstart gui/501/${LABEL}`]],
    ['it is another text', { text: '' }, ['write', `bootout gui/501/${LABEL}`, ...load]],
  ])('%s', (_, some, wanted) => {
    expect(installAgent(SERVICE, 501, '/p', '/log', { ...up, ...some }).map(brief)).toEqual(wanted)
  })
  it('is unloaded and removed', () => {
    expect(uninstallAgent(501, '/p', up).map(brief)).toEqual([`bootout gui/501/${LABEL}`, 'remove'])
    expect(uninstallAgent(501, '/p', { ...up, enabled: false }).map(brief)).toEqual(['remove'])
    expect(uninstallAgent(501, '/p', NOTHING)).toEqual([])
  })
})
