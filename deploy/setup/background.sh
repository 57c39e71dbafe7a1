#!/bin/sh
# Starts and stops a server in the background.
#
#   background.sh up DATA LISTEN COMMAND...    returns when it is ready
#   background.sh down DATA                    returns when it is gone
set -eu

action=$1 data=$2
pid_file=$data/greffe.pid
log=$data/greffe.log

# A number that another program has by now is not ours.
runs() { [ -f "$pid_file" ] && grep -qs greffe "/proc/$(cat "$pid_file")/cmdline"; }

case $action in
up)
    listen=$3
    shift 3
    if runs; then
        echo "already running, http://$listen, process $(cat "$pid_file")"
        exit 0
    fi
    mkdir -p "$data"
    nohup "$@" </dev/null >>"$log" 2>&1 &
    echo $! >"$pid_file"
    until curl -fs -o /dev/null "http://$listen/ready"; do
        runs || { tail -n 3 "$log" >&2; rm -f "$pid_file"; exit 1; }
        sleep 0.2
    done
    echo "running, http://$listen, process $(cat "$pid_file"), log in $log"
    ;;
down)
    runs || { echo "not running"; rm -f "$pid_file"; exit 0; }
    kill "$(cat "$pid_file")"
    while runs; do sleep 0.1; done
    rm -f "$pid_file"
    echo stopped
    ;;
esac
