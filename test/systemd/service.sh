#!/bin/bash
# `rca service` on a real `systemd --user` (run under `unshare -m`, as root). Prints one line `key=value` per thing seen.
# Usage: service.sh NODE NODE2 RCA WORKDIR   (two paths of Node; WORKDIR/bin/codex is a fake agent; everything is kept below)
set -u
node=$1 node2=$2 rca=$3 dir=$4
end() {
  "$node" "$rca" kill codex-outlive --grace 1s > /dev/null 2>&1
  "$node" "$rca" monitor stop > /dev/null 2>&1
  tmux -S "$RCA_TMUX_SOCKET" kill-server 2> /dev/null
  [ -s "$dir/child" ] && kill "$(cat "$dir/child")"
}
. "$(dirname "$0")/manager.sh"

unit=$HOME/.config/systemd/user/rca-monitor.service
show() { systemctl --user show --value --property="$1" rca-monitor.service; }
run() { "$node" "$rca" service "$@" --json 2> "$dir/stderr"; echo "code=$?" > "$dir/code"; cat "$dir/stderr"; }
see() { echo "$1=$(run "${@:2}" | tr -d '\n')"; echo "$1-$(cat "$dir/code")"; }
wait_for() { for _ in $(seq 400); do [ -s "$1" ] && return; sleep 0.05; done; echo "missing=$1"; cat "$dir"/*.log; exit 1; }
until_is() { for _ in $(seq 300); do [ "$("${@:2}")" = "$1" ] && return; sleep 0.05; done; echo "never=$*"; exit 1; }
other_than() { [ "$(show MainPID)" != "$1" ] && show ActiveState; }
same() { [ -r "/proc/$2/stat" ] && echo "$1=alive" || echo "$1=gone"; }
server() { tmux -S "$RCA_TMUX_SOCKET" display-message -p '#{pid}'; }
# Whether the monitor that says it is the one is the service's.
at_work() { [ "$(cut -d' ' -f2 "$RCA_HOME/monitor")" = "$(show MainPID)" ] && echo yes; }

see before status
see plan install --dry-run
echo "after-plan=$(ls "$HOME/.config" 2> /dev/null)"
# One that a verb has started is there first.
"$node" "$rca" monitor --started-by-verb 2> /dev/null &
by_verb=$!
wait_for "$RCA_HOME/monitor"
see install install
wait "$by_verb"; echo "by-verb-code=$?"
until_is yes at_work
echo "verify=$(systemd-analyze --user verify "$unit" 2>&1 && echo ok)"
echo "mode=$(stat -c %a "$unit")"
echo "enabled=$(systemctl --user is-enabled rca-monitor.service)"
see status status
see again install

wait_for "$dir/child"
cp "$dir/seen.json" "$dir/first.json"
child=$(cat "$dir/child") first=$(show MainPID)
systemctl --user kill --kill-whom=main -s KILL rca-monitor.service
until_is active other_than "$first"
until_is yes at_work
echo "after-kill=restarted"
systemctl --user restart rca-monitor.service
same child-after-restart "$child"
until_is yes at_work

"$node" "$rca" monitor stop > /dev/null
until_is inactive show ActiveState
sleep 6
echo "after-stop=$(show ActiveState)"
see stopped status
see started install
node=$node2; PATH=$PATH:/opt/more see updated install
echo "updated-path=$(tr '\0' '\n' < "/proc/$(show MainPID)/environ" | grep ^PATH= | grep -c /opt/more)"

# A task that loses its tmux server is brought back by the service's monitor, and outlives that.
PATH=$dir/bin:$PATH "$node" "$rca" start codex outlive -p hello -C "$HOME" > "$dir/start.log" 2>&1
wait_for "$dir/agent.pid"
"$node" -e 'const fs = require("fs"), file = process.argv[1], spec = JSON.parse(fs.readFileSync(file))
spec.policy.restart ??= "on-failure"; fs.writeFileSync(file, JSON.stringify(spec))' "$RCA_HOME"/tasks/*/spec.json
systemctl --user restart rca-monitor.service
until_is yes at_work
lost=$(server) agent=$(cat "$dir/agent.pid")
rm "$dir/agent.pid"; kill -KILL "$lost" "$agent"
wait_for "$dir/agent.pid"
born=$(server) agent=$(cat "$dir/agent.pid")
echo "born=$([ "$born" != "$lost" ] && grep -o 'rca-monitor.service' "/proc/$born/cgroup" || echo elsewhere)"
systemctl --user restart rca-monitor.service
same agent-after-restart "$agent"; same server-after-restart "$born"

see uninstall uninstall
echo "left=$(find "$HOME/.config/systemd" -name 'rca*' | tr '\n' ' ')$(show ActiveState) $(show LoadState)"
same child-after-uninstall "$child"; same agent-after-uninstall "$agent"; same server-after-uninstall "$born"
see nothing uninstall
echo '[Service]' > "$unit"
see foreign install
see foreign-uninstall uninstall
