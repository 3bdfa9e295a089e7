# Sourced by a script that runs under `unshare -m`, as root, with $dir set: a real `systemd --user` in a mount namespace and
# a control group of its own, everything it keeps below $dir. The script's own `end` runs first when it exits.
export HOME=$dir/home XDG_RUNTIME_DIR=$dir/run RCA_HOME=$dir/state
unset DBUS_SESSION_BUS_ADDRESS
mkdir -p "$HOME" "$RCA_HOME"; mkdir -m 700 "$XDG_RUNTIME_DIR"; chmod 700 "$RCA_HOME"
mount -t tmpfs tmpfs /run/systemd && mkdir -p /run/systemd/system
for hierarchy in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
  [ -f "$hierarchy/cgroup.procs" ] && mkdir -p "$hierarchy/rca-test-$$" && echo $$ > "$hierarchy/rca-test-$$/cgroup.procs"
done

systemd --user --unit=basic.target > "$dir/systemd.log" 2>&1 &
manager=$!
until [ -S "$XDG_RUNTIME_DIR/systemd/private" ] || ! kill -0 "$manager"; do sleep 0.05; done

end_all() {
  end
  kill "$manager"; wait "$manager" 2> /dev/null
  for hierarchy in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
    [ -d "$hierarchy/rca-test-$$" ] || continue
    echo $$ > "$hierarchy/cgroup.procs"
    find "$hierarchy/rca-test-$$" -depth -type d -exec rmdir {} + 2> /dev/null
  done
}
trap end_all EXIT
