#!/bin/bash
# A real `systemd --user` in a mount namespace of its own (run under `unshare -m`, as root): a service that called
# `rca start` and one that called plain tmux are restarted and then stopped. Prints one line `key=value` per thing seen.
# Usage: outlive.sh NODE RCA WORKDIR TERMINAL   (WORKDIR: bin/codex is a fake agent; everything is kept below it)
set -u
node=$1 rca=$2 dir=$3 terminal=$4
end() {
  tmux -S "$dir/rca.sock" kill-server 2> /dev/null
  tmux -S "$dir/plain.sock" kill-server 2> /dev/null
}
. "$(dirname "$0")/manager.sh"
umask 022

service() { # name, what it runs once before it stays
  systemd-run --user --quiet --unit="$1" -p Type=exec -p WorkingDirectory="$HOME" \
    -p "Environment=PATH=$dir/bin:$PATH" -p "Environment=XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR" \
    -p "Environment=HOME=$HOME" -p "Environment=RCA_HOME=$RCA_HOME" -p "Environment=RCA_TMUX_SOCKET=$dir/rca.sock" \
    -p "Environment=RCA_TERMINAL=$terminal" -p "Environment=SCREENDIR=$dir/screens" \
    /bin/sh -c "$2; exec sleep 600"
}
mkdir -m 700 "$dir/screens"
wait_for() { for _ in $(seq 400); do [ -s "$1" ] && return; sleep 0.05; done; echo "missing=$1"; cat "$dir"/*.log; exit 1; }
same() { [ -r "/proc/$2/stat" ] && echo "$1=alive" || echo "$1=gone"; }

service rca "'$node' '$rca' start codex outlive -p hello --if-exists reuse > '$dir/start.log' 2>&1"
# systemd expands $ in a unit's command line: what needs one goes into a file.
printf 'echo $$ > "%s"; exec sleep 600\n' "$dir/plain.pid" > "$dir/plain-agent"
service plain "tmux -S '$dir/plain.sock' new-session -d -s codex-plain sh '$dir/plain-agent'"
wait_for "$dir/agent.pid"; wait_for "$dir/plain.pid"; wait_for "$dir/start.log"
agent=$(cat "$dir/agent.pid") plain=$(cat "$dir/plain.pid")
echo "start=$(head -n 1 "$dir/start.log")"
wait_for "$RCA_HOME/monitor"; monitor=$(cut -d " " -f 2 "$RCA_HOME/monitor")
same rca-started "$agent"; same plain-started "$plain"
rm "$dir/plain.pid"
systemctl --user restart rca plain
same rca-after-restart "$agent"; same monitor-after-restart "$monitor"; same plain-after-restart "$plain"
wait_for "$dir/plain.pid"; plain=$(cat "$dir/plain.pid")
systemctl --user stop rca plain
same rca-after-stop "$agent"; same monitor-after-stop "$monitor"; same plain-after-stop "$plain"
echo "status=$("$node" "$rca" status codex-outlive --json | tr -d '\n')"
"$node" "$rca" monitor stop > /dev/null
"$node" "$rca" kill codex-outlive --grace 1s > /dev/null
same rca-after-kill "$agent"
