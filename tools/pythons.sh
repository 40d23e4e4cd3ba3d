#!/bin/sh
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Prints the real Python interpreters of this machine that can make a venv, best first: "<version> <path>" a line.
# Shims of pyenv and the like are passed over: they look like an interpreter and fail when they are started.

set -eu

folders() {
    old_ifs=$IFS
    IFS=:
    for folder in $PATH; do
        case $folder in
            */shims | */shims/* | "") ;;
            *) printf '%s\n' "$folder" ;;
        esac
    done
    IFS=$old_ifs
    for folder in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin "$HOME"/.local/share/uv/python/*/bin; do
        [ ! -d "$folder" ] || printf '%s\n' "$folder"
    done
}

# ansible-core 2.21 is developed on these; the older two get the newest ansible-core that still runs there.
for version in 3.12 3.13 3.14 3.11 3.10; do
    folders | while IFS= read -r folder; do
        python=$folder/python$version
        [ -x "$python" ] || continue
        "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || continue
        printf '%s %s\n' "$version" "$python"
        break
    done
done
