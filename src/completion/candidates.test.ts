import { describe, expect, it } from 'vitest'
import { buildProgram } from '../cli.ts'
import { joined } from '../commands/complete.ts'
import { candidatesFor } from './candidates.ts'

const TASKS = ['codex-docs', 'codex-fix', 'claude-fix', 'pi-notes']
const LIVE = ['codex-fix', 'claude-fix']
const program = buildProgram([], async () => ({}))

/** What is found for a line; the last word is the one under the cursor. */
function found(line: string, tasks = (live: boolean) => (live ? LIVE : TASKS)) {
  const words = line.split(' ')
  const sources = { tasks, channels: () => ['phone', 'desktop'] }
  const { list, paths } = candidatesFor(program, words.slice(0, -1), words.at(-1) ?? '', sources)
  return [...list.map((one) => one.value), ...(paths ? [`(${paths})`] : [])].join(' ')
}

it.each([
  // Verbs.
  ['kil', 'kill'],
  ['st', 'start status'],
  ['ls', ''],
  ['help st', 'start status'],
  ['settle ', ''],
  ['nonsense ', ''],
  ['nonsense -', ''],
  ['--tmux-socket mine kil', 'kill'],
  ['--tmux-socket=mine kil', 'kill'],
  // Arguments.
  ['start ', 'codex claude opencode pi'],
  ['start c', 'codex claude'],
  ['start codex ', '--json --cwd'],
  ['start codex fix c', ''],
  ['service in', 'install'],
  ['monitor ', 'run status stop'],
  ['completion ', 'bash zsh fish'],
  // Options and their values.
  ['list --a', '--all --agent'],
  ['list --all --a', '--agent'],
  ['list -a --a', '--agent'],
  ['list --agent pi --a', '--all --agent'],
  ['ls --agent p', 'pi'],
  ['list --state l', 'lost'],
  ['start codex fix --access ', 'read write full'],
  ['start codex fix --access=w', '--access=write'],
  ['start codex fix --access=', '--access=read --access=write --access=full'],
  ['start codex fix --yolo=', ''],
  ['start codex fix --no-such=', ''],
  ['start codex fix -C ', '(folders)'],
  ['start codex fix -f ', '(files)'],
  ['start codex fix --cwd=x', '(folders)'],
  ['start codex fix -p ', ''],
  ['start codex fix -p --acc', ''],
  ['start codex fix -px --acc', '--access'],
  ['start codex fix -p x --acc', '--access'],
  ['start codex fix -- --acc', '(files)'],
  ['start codex fix -- x -- y ', '(files)'],
  // Tasks.
  ['status ', 'claude-fix codex-docs codex-fix pi-notes'],
  ['status codex-', 'codex-docs codex-fix'],
  ['status do', 'docs'],
  // Two agents have it: it would be ambiguous.
  ['status fi', ''],
  ['status codex-fix ', '--json --help --version --tmux-socket'],
  ['wait codex-fix co', 'codex-docs'],
  ['wait -- codex', '(files)'],
  ['events --since 1m pi', 'pi-notes'],
  ['kill ', 'claude-fix codex-fix'],
  ['attach codex-', 'codex-fix'],
  // Channels.
  ['start codex x --notify ', 'phone desktop'],
  ['notify test d', 'desktop'],
])('rca %s: %s', (line, expected) => {
  const isBeginning = expected === '--json --cwd'
  if (isBeginning) expect(found(line)).toMatch(/^--json --cwd /)
  else expect(found(line)).toBe(expected)
})

it('of one name that several tasks had, offers one', () => {
  expect(found('status ', () => ['codex-fix', 'codex-fix'])).toBe('codex-fix')
})

describe('what bash has cut up', () => {
  it.each<[string[], string[], string, number]>([
    [['start', 'x'], ['start'], 'x', 0],
    [[], [], '', 0],
    [[''], [], '', 0],
    [['start', '--access', '=', 'w'], ['start'], '--access=w', 9],
    [['start', '--access', '='], ['start'], '--access=', 9],
    [['start', '--access', '=', 'write', 'x'], ['start', '--access=write'], 'x', 0],
    [['start', '--env', '=', 'A', '=', 'b'], ['start'], '--env=A=b', 8],
    [['=', 'x'], ['='], 'x', 0],
    [['start', '--access=w'], ['start'], '--access=w', 0],
  ])('%j', (words, before, current, cut) => {
    expect(joined(words)).toEqual({ before, current, cut })
  })
})
