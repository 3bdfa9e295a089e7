import { basename } from 'node:path'
import { quote, quoteAll } from '../system/shell.ts'
import { attemptFiles as name, stateOf } from '../task/paths.ts'

/** What the two scripts of one attempt need; every string goes in strictly quoted. */
export interface ScriptInput {
  readonly session: string
  readonly taskDir: string
  readonly attempt: number
  readonly cwd: string
  /** The agent: argv[0] is the absolute path of its binary. */
  readonly argv: readonly string[]
  /** What the driver adds to the captured environment. */
  readonly env: Readonly<Record<string, string>>
  readonly cookie: string
  readonly umask: number
  /** Relative to the attempt's directory. */
  readonly promptFile: string
  readonly eventsOffset: number
  readonly stderrOffset: number
  readonly dropLinesWith: string | null
  /** Whether somebody may look at what it prints: then it shows what the agent prints, too. */
  readonly shows: boolean
  /** The argv that settles the attempt: Node, rca, the verb and its arguments. */
  readonly settle: readonly string[]
}

/** The name of the variable that marks an agent and all its descendants. */
export const COOKIE = 'RCA_ATTEMPT'
/** The name of the variable that marks the launch script's own helpers (what shows the pane its text). */
export const HELPER_COOKIE = 'RCA_LAUNCH'
/** Ends the cookie of the helper that outlives its launch script, and belongs to nobody's leftovers. */
export const AFTER = '.after'
/** The line that the pane shows after a good end, and nowhere else. */
export const DONE_MARKER = '__TASK_DONE__'
/** What is shown in its place where somebody else says it. */
const NO_MARKER = '__TASK-DONE__'
export const withoutMarker = (text: string) => text.replaceAll(DONE_MARKER, NO_MARKER)

/** The cookie of one attempt begins with this for every attempt of the task. */
export const cookiePrefix = (taskId: string) => `${taskId}:`
export const cookie = (taskId: string, attempt: number) => `${cookiePrefix(taskId)}${attempt}`

/**
 * Prints which process this shell is: see parseSelf in system/identity.ts. `$$` stays the script's pid in a subshell.
 */
const SELF = `self() {
  if [ -r /proc/self/stat ]; then
    read -r boot < /proc/sys/kernel/random/boot_id && read -r stat < "/proc/$$/stat" && printf 'proc %s %s\\n' "$boot" "$stat"
  else
    printf 'ps %s %s\\n' "$(sysctl -n kern.bootsessionuuid)" "$(LC_ALL=C ps -o pid=,lstart= -p $$)"
  fi
}`

/**
 * The script that becomes the agent. It runs under \`env -i\` with nothing but the cookie, reads the captured environment,
 * says which process it is (exec keeps pid and start time) and is replaced by the agent.
 */
export function agentScript(input: ScriptInput): string {
  const exports = Object.entries(input.env).map(([key, value]) => `export ${key}=${quote(value)}\n`)
  return `# ${input.session}, attempt ${input.attempt}: becomes the agent. Written by rca.
${SELF}
self > ./${name.process} || exit 125
. ${quote(`${input.taskDir}/env`)} || exit 125
TASK_TMPDIR=${quote(input.taskDir)}; export TASK_TMPDIR
${exports.join('')}umask ${input.umask.toString(8).padStart(4, '0')}
cd ${quote(input.cwd)} || exit 125
exec ${quoteAll(input.argv)}
`
}

/**
 * The script that the pane's shell runs for one attempt.
 * - The gate (\`begun\`) is linked into place, whole, which the kernel refuses where it exists: however often and by whomever
 *   the script is run, the agent starts once, and not at all when the attempt was called off. Whoever looks never sees it
 *   without the process that went through it, and would take that for a dead one.
 * - The agent is a foreground child and writes straight into events.jsonl. HUP and TERM are not trapped: a shell that traps
 *   HUP and waits would keep the agent of a closed session alive. INT is noted: a person pressed Ctrl-C.
 * - What shows in the pane is read back from the files: it can lag or die without touching the agent. Control characters
 *   are taken out of it, and the done marker, which only this script may print.
 * - The exit record is one line, written at once; an empty one is not written yet, or never was (a full disk).
 */
export function launchScript(input: ScriptInput): string {
  const agent = `/usr/bin/env -i ${COOKIE}=${quote(input.cookie)} TERM="\${TERM:-dumb}" /bin/sh ./${name.agent}`
  return `# ${input.session}, attempt ${input.attempt}. Written by rca; run by the shell of the session's pane.
umask 077
${HELPER_COOKIE}=${quote(input.cookie)}; export ${HELPER_COOKIE}
unset TMUX TMUX_PANE
dir=${quote(`${input.taskDir}/attempts/${input.attempt}`)}
cd "$dir" || exit 125
${SELF}
${watched(stateOf(input.taskDir))}
mkfifo ./${name.alive} ./${name.next} 2>/dev/null & made=$!
gate=./.${name.begun}.$$
if ! { self > "$gate" && ln "$gate" ./${name.begun}; } 2>/dev/null; then
  rm -f "$gate"; wait $made
  [ ! -e ./${name.exit} ] || rm -f ./${name.alive} ./${name.next}
  echo 'rca: this attempt has begun already or was called off; nothing is run' >&2
  exit 125
fi

# 9 is open for as long as this script has work to do: its end is seen at the other end. 8 is where it is told what is next.
wait $made
[ -p ./${name.alive} ] || mkfifo ./${name.alive} || exit 125
[ -p ./${name.next} ] || mkfifo ./${name.next} || exit 125
exec 9<> ./${name.alive} 8<> ./${name.next}
${input.shows ? showing(input) : notShowing}

interrupted=false
trap 'interrupted=true' INT
${input.dropLinesWith === null ? plainRun(agent, input) : filteredRun(agent, input, input.dropLinesWith)}
trap '' INT
printf '{"code":%d,"interrupted":%s}\\n' "$code" "$interrupted" > ./${name.exit}
exec 9>&-
watched && { true > ${quote(`${stateOf(input.taskDir)}/wake/${basename(input.taskDir)}`)}; } 2>/dev/null; woken=$?
hide

settle() { ${quoteAll(input.settle)}; }
sync ./${name.exit} . &
if [ "$code" -ne 0 ] && [ -s ./${name.exit} ] && [ "$woken" -eq 0 ]; then
  ${waiting(input)}
fi
rm -f ./${name.alive} ./${name.next} ./${name.offer}
settle
settled=$?
# Once more: the first may have come in the moment before it waited.
hide; hidden
[ "$settled" -ne 0 ] || echo '${DONE_MARKER}'
`
}

/**
 * Whether a monitor is there to settle the attempt: the process that the state directory's `monitor` file names (see
 * supervise/presence.ts) runs. Without /proc it is not known, and the script settles the attempt itself.
 */
function watched(state: string): string {
  return `watched() {
  read -r boot pid start rest < ${quote(`${state}/monitor`)} || return 1
  read -r now < /proc/sys/kernel/random/boot_id && [ "$boot" = "$now" ] || return 1
  read -r stat < "/proc/$pid/stat" || return 1
  set -f
  set -- \${stat##*) }
  case "$1" in T|t|Z|X) return 1;; esac
  [ "\${20}" = "$start" ]
} 2>/dev/null`
}

/**
 * After an end that was no good one the pane's next attempt is run by this very process, as soon as whoever makes it says
 * so: no key need be typed and no shell be free. It waits 5 s at most, and 5 more where an attempt was claimed meanwhile;
 * should the monitor die first, the end is settled here.
 */
function waiting(input: ScriptInput): string {
  const following = input.attempt + 1
  return `word=wait asked=
  true > ./${name.offer}
  while [ "$word" = wait ]; do
    (${HELPER_COOKIE}=${quote(`${input.cookie}${AFTER}`)}; sleep 5; echo late) >&8 2>/dev/null & watch=$!
    read -r word number <&8
    hide
    kill "$watch" 2>/dev/null
    [ "$word" = late ] && [ -e ../${following} ] && [ -z "$asked" ] && word=wait asked=1
  done
  rm -f ./${name.alive} ./${name.next} ./${name.offer} 8>&- &
  exec 8>&-
  case "$word" in
    go) unset ${HELPER_COOKIE}; trap - INT; exec sh "../$number/${name.launch}" ;;
    end) exit "$code" ;;
  esac`
}

/** What the pane shows of a flood that it lags behind, bytes: the last screens. */
const LAST_SHOWN = 16_384
/** What is on its way in a pipe is no lag, bytes. */
const LAG = 65_536

/**
 * Shows in the pane what the agent prints, in the background, so that the agent need not wait for it, and at a lower priority.
 * Told to end (TERM), it gives the last lines a moment to come through; where the pane lags behind (a terminal draws 25 MB/s)
 * it passes over to the last of them. GNU tail (9.1) is told to look at its file now and then: with inotify it takes one of
 * the 128 instances that Linux gives a user, and sixty tasks would leave none to anybody else.
 */
function showing(input: ScriptInput): string {
  return `clean() { exec env LC_ALL=C $nice sed -e 's/[[:cntrl:]]//g' -e 's/${DONE_MARKER}/${NO_MARKER}/g'; }
# How many bytes of the agent's output were not shown yet; nothing where that is not known (without /proc).
lag() {
  for fd in "/proc/\${tails%% *}/fd"/*; do
    [ "$fd" -ef ../../events.jsonl ] || continue
    while read -r key at; do
      [ "$key" != pos: ] || echo $(($(wc -c < ../../events.jsonl) - at))
    done < "\${fd%/fd/*}/fdinfo/\${fd##*/}"
    return
  done
}
show() {
  over=; trap 'over=1' TERM
  # The agent first.
  sleep 0.03
  rm -f "$gate" ./view; mkfifo ./view || return
  sleep 0.07
  # Both ends at once: to open one waits for the other, and whoever is told to end while it waits leaves that one waiting.
  exec 3<> ./view 4< ./view; rm -f ./view
  nice='nice -n 10'; command -v nice >/dev/null || nice=
  clean <&4 3>&- & sed=$!
  exec 4<&-
  quiet='---disable-inotify -s 0.4'
  tail $quiet -c 1 /dev/null 2>/dev/null || quiet=
${tails(input)}
  exec 3>&-
  [ -n "$over" ] || wait "\${tails%% *}"
  sleep 0.5
  lag=$(lag 2>/dev/null)
  kill $tails 2>/dev/null
  wait "$sed"
  [ "\${lag:-0}" -gt ${LAG} ] || return 0
  printf '\\n[rca: %s bytes are not shown here]\\n' "$((lag - ${LAST_SHOWN}))"
  tail -c ${LAST_SHOWN} ../../events.jsonl | clean
}
hide() { kill "$shown" 2>/dev/null; }
hidden() { wait "$shown" 2>/dev/null; }
(exec 8>&- 9>&-; show) & shown=$!`
}

/** One process follows both files where it can begin at the same place in both: in a first attempt. */
function tails({ eventsOffset, stderrOffset }: ScriptInput): string {
  const follow = (from: number, what: string) =>
    `  $nice tail $quiet -q -c +${from + 1} -f ${what} >&3 2>/dev/null &`
  const [events, stderr] = ['../../events.jsonl', '../../stderr.log']
  if (eventsOffset === stderrOffset) return `${follow(eventsOffset, `${events} ${stderr}`)} tails=$!`
  return `${follow(eventsOffset, events)} tails=$!\n${follow(stderrOffset, stderr)} tails="$tails $!"`
}

/** Where nobody can look there is nothing to show. */
const notShowing = `rm -f "$gate" 8>&- 9>&- & removed=$!
hide() { :; }
hidden() { wait "$removed"; }`

function plainRun(agent: string, input: ScriptInput): string {
  return `${agent} 8>&- 9>&- < ./${input.promptFile} >> ../../events.jsonl 2>> ../../stderr.log
code=$?`
}

/** With a filter between: for agents that flood. It ends when the agent and all that hold its stdout have. */
function filteredRun(agent: string, input: ScriptInput, drop: string): string {
  return `rm -f ./out; mkfifo ./out || exit 125
LC_ALL=C grep --line-buffered -vF ${quote(drop)} < ./out >> ../../events.jsonl 8>&- 9>&- & filter=$!
${agent} 8>&- 9>&- < ./${input.promptFile} > ./out 2>> ../../stderr.log
code=$?
rm -f ./out
wait "$filter"`
}

/** The one short line that is typed into the pane's shell: no path and no name of the user's is in it. */
export function typedLine(attempt: number): string {
  return `sh "$TASK_TMPDIR/attempts/${attempt}/launch"`
}
