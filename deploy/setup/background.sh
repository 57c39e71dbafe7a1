#!/bin/sh
# Starts and stops a server in the background.
#
#   background.sh up DATA LISTEN GREFFE ARGUMENT...    returns when it is ready
#   background.sh down DATA                            returns when it is gone
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
    # Greffe makes the folder itself: it may have to be elsewhere, behind a
    # link, and it is closed to others where it can be.
    [ -e "$data" ] || "$1" migrate --data-dir "$data" >/dev/null
    [ -e "$data" ] || (umask 077 && mkdir -p "$data")
    # The first administrator's password is in it.
    (umask 077 && touch "$log")
    chmod 600 "$log"
    said_before=$(wc -c <"$log")
    nohup "$@" </dev/null >>"$log" 2>&1 &
    echo $! >"$pid_file"
    until curl -fs -o /dev/null "http://$listen/ready"; do
        runs || { tail -n 3 "$log" >&2; rm -f "$pid_file"; exit 1; }
        sleep 0.2
    done
    tail -c +$((said_before + 1)) "$log" | grep '^first administrator' || true
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
