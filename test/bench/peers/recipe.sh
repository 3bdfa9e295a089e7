#!/bin/bash
# The recipe that rca replaces, as orchestrators follow it: recipe.sh SOCKET NAME PROJECT AGENT
tmux() { command tmux -S "$socket" "$@"; }
socket=$1 name=$2 project=$3 agent=$4
export TMPDIR=$project
TMPDIR=$(mktemp -d)
chmod 700 "$TMPDIR"
printf x > "$TMPDIR/prompt"
tmux new-session -d -s "codex-$name" -e "TASK_TMPDIR=$TMPDIR"
tmux send-keys -t "codex-$name" "cd $project && set -o pipefail && $agent exec --full-auto --json \"\$(cat \$TASK_TMPDIR/prompt)\" | tee \$TASK_TMPDIR/events.jsonl && echo \"__TASK_DONE__\"" Enter
until [ -s "$TMPDIR/codex-session-id" ]; do
  if command -v jq &>/dev/null; then
    jq -r 'select(.thread_id) | .thread_id' "$TMPDIR/events.jsonl" 2>/dev/null | head -n 1 > "$TMPDIR/codex-session-id"
  else
    grep -oE '"thread_id":"[^"]+"' "$TMPDIR/events.jsonl" 2>/dev/null | head -n 1 | cut -d'"' -f4 > "$TMPDIR/codex-session-id"
  fi
  sleep 1
done
