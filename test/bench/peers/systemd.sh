#!/bin/bash
# A real `systemd --user` that lives as long as its standard input is open: systemd.sh DIR MANAGER
set -u
dir=$1
end() { :; }
. "$2"
echo ready
read -r _
