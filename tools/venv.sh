#!/bin/sh
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Brings an environment to the state that the given requirement sets ask for:
#     tools/venv.sh .venvs/dev run test
#     tools/venv.sh .venvs/oldest oldest    with one of the Pythons in PYTHONS ("3.11 3.10") instead of the best
# Costs some milliseconds when there is nothing to do.

set -eu
cd "$(dirname "$0")/.."
venv=$1
shift
log=.build/logs/$(basename "$venv")-venv.log

fail() {
    printf 'FAILED venv: %s\n' "$1" >&2
    exit 1
}

usable() {
    [ "$(cat "$venv/.place" 2>/dev/null)" = "$PWD" ] && "$venv/bin/python" -c '' >/dev/null 2>&1
}

best_python() {
    sh tools/pythons.sh | while read -r version python; do
        case " ${PYTHONS:-$version} " in
            *" $version "*) printf '%s\n' "$python"; break ;;
        esac
    done
}

create() {
    python=$(best_python)
    if [ -z "$python" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "no Python here can make a venv: installing the system package python3-venv"
        { apt-get update -q && apt-get install -q -y --no-install-recommends python3-venv; } >>"$log" 2>&1 || true
        python=$(best_python)
    fi
    [ -n "$python" ] || fail "no Python ${PYTHONS:-from 3.10 to 3.14} with the venv module was found. Install one (on Debian: python3-venv)."
    rm -rf "$venv"
    "$python" -m venv "$venv" >>"$log" 2>&1 || { tail -n 30 "$log" >&2; fail "$python could not make a venv."; }
    printf '%s' "$PWD" >"$venv/.place"
}

install() {
    "$venv/bin/python" -m pip install --disable-pip-version-check "$@" >>"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        fail "pip could not install requirements (log: $log). Is the package index reachable from here?"
    }
}

mkdir -p .venvs .build/logs
usable || rm -rf "$venv"

wanted=""
missing=""
for set in "$@"; do
    sum=$(cat requirements/"$set".txt meta/ee-requirements.txt | cksum)
    [ "$(cat "$venv/.$set" 2>/dev/null)" = "$sum" ] || missing="$missing $set"
    wanted="$wanted -r requirements/$set.txt"
done
[ -n "$missing" ] || exit 0

started=$(date +%s)
: >"$log"
usable || create
# shellcheck disable=SC2086  # one word a file is meant
install $wanted
for set in "$@"; do
    cat requirements/"$set".txt meta/ee-requirements.txt | cksum >"$venv/.$set"
done
printf 'ok      %-13s %s with %s  (%s s)\n' "$venv" "$("$venv/bin/python" -V)" \
    "$("$venv/bin/ansible" --version | sed -n '1s/[][]//gp')" "$(($(date +%s) - started))"
