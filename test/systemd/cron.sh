#!/bin/bash
# `rca service` with the real crontab and cron (run under `unshare -m`, as root): their files are in file systems of this
# namespace. Prints one line `key=value` per thing seen. Usage: cron.sh NODE RCA WORKDIR   (WORKDIR/bin: crontab alone)
set -u
node=$1 rca=$2 dir=$3 path=$PATH
export HOME=$dir/home RCA_HOME=$dir/state
mkdir -p "$HOME"
spool=/var/spool/cron/crontabs
mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /etc/cron.d
mode=$(stat -c %a $spool) group=$(stat -c %g $spool)
mount -t tmpfs tmpfs $spool && chgrp "$group" $spool && chmod "$mode" $spool

end() { for file in /run/crond.pid "$dir/monitor" "$dir/child"; do [ -s "$file" ] && kill "$(cat "$file")"; done; }
trap end EXIT
see() { echo "$1=$(PATH=$dir/bin "$node" "$rca" service "${@:2}" --json 2>&1 | tr -d '\n')"; echo "$1-code=${PIPESTATUS[0]}"; }
code() { PATH=$dir/bin "$node" "$rca" service "$@" > /dev/null 2>&1; echo $?; }

printf '# mine\n0 5 * * * true' > "$dir/mine"; echo >> "$dir/mine"
crontab "$dir/mine"
see install install
see again install
echo "lines=$(crontab -l | wc -l) marked=$(crontab -l | grep -c '# rca-monitor$')"
echo "status-before-boot=$(code status)"
cron
for _ in $(seq 200); do [ -s "$dir/child" ] && break; sleep 0.05; done
see status status
echo "status-after-boot=$(code status)"
see uninstall uninstall
echo "others=$(crontab -l | cmp - "$dir/mine" && echo untouched)"
see nothing uninstall
crontab -r
see alone install
see alone-uninstall uninstall
echo "empty=$(crontab -l | wc -c)"
node -p "JSON.parse(require('fs').readFileSync('$dir/seen.json')).pid" > "$dir/monitor"
