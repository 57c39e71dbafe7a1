#!/bin/sh
# Starts and stops a server in the background.
#
#   background.sh up DATA LISTEN GREFFE ARGUMENT...    returns when it is ready
#   background.sh down DATA                            returns when it is gone
#
# GREFFE_UP_PATIENCE_S is how long `up` waits for that, in seconds.
set -eu

action=$1 data=$2
pid_file=$data/greffe.pid
log=$data/greffe.log

# A number that another program has by now is not ours.
runs() { [ -f "$pid_file" ] && grep -qs greffe "/proc/$(cat "$pid_file")/cmdline"; }

# Where ours serves, by its own account: whoever answers at an address that it
# could not have is somebody else.
serves_on() { tail -c "+$((said_before + 1))" "$log" | sed -n 's/^greffe serves on //p' | tail -n 1; }

is_ready() { [ -n "$address" ] && curl -fs -m 5 -o /dev/null "$address/ready" && runs; }

# Shown once: not again to who finds it running.
tell_first_administrator() {
    [ "$state" != "running" ] || tail -c "+$((said_before + 1))" "$log" | grep '^first administrator' || true
}

# It goes on: after an upgrade, filling the read models may take longer.
give_up() {
    tell_first_administrator
    echo "not ready after $patience_s seconds, process $(cat "$pid_file") goes on, log in $log" >&2
    if [ -n "$address" ]; then
        echo "$address/ready says: $(curl -s -m 5 "$address/ready" || echo nothing)" >&2
    else
        tail -n 3 "$log" >&2
    fi
    exit 1
}

case $action in
up)
    listen=$3
    shift 3
    patience_s=${GREFFE_UP_PATIENCE_S:-60}
    if runs; then
        state="already running" said_before=0
        address=$(serves_on)
        address=${address:-http://$listen}
    else
        # Greffe makes the folder itself: it may have to be elsewhere, behind a
        # link, and it is closed to others where it can be. An operator's
        # database is not to be brought to this version in passing.
        [ -e "$data" ] || [ -n "${GREFFE_DATABASE_URL:-}" ] || "$1" migrate --data-dir "$data" >/dev/null
        [ -e "$data" ] || (umask 077 && mkdir -p "$data")
        # The first administrator's password is in it.
        (umask 077 && touch "$log")
        chmod 600 "$log"
        state="running" said_before=$(wc -c <"$log") address=
        nohup "$@" </dev/null >>"$log" 2>&1 &
        echo $! >"$pid_file"
    fi
    give_up_at=$(($(date +%s) + patience_s))
    until is_ready; do
        runs || { tail -n 3 "$log" >&2; rm -f "$pid_file"; exit 1; }
        [ "$(date +%s)" -lt "$give_up_at" ] || give_up
        sleep 0.2
        address=${address:-$(serves_on)}
    done
    tell_first_administrator
    echo "$state, $address, process $(cat "$pid_file"), log in $log"
    ;;
down)
    runs || { echo "not running"; rm -f "$pid_file"; exit 0; }
    kill "$(cat "$pid_file")"
    while runs; do sleep 0.1; done
    rm -f "$pid_file"
    echo stopped
    ;;
esac
