#!/bin/sh
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Compare the messages and the files of drives in SCRATCH/ours with those that restic has restored into SCRATCH/theirs, by their content
# alone, since they have other names there. Only these are stored as they are restored. What is infected is in restic's alone.

set -eu
cd "$1"

hashes() {
    # A name with a backslash or a line end makes sha256sum begin the line with a backslash.
    find "$1" -type f ! -path '*/.m365/*' \( -path '*/onedrive/*' -o -path '*/mail/*' -name '*.eml' \) -exec sha256sum {} + |
        sed 's/^\\//' | cut -c 1-64 | sort
}

hashes ours > hashes.ours
hashes theirs > hashes.theirs
missing=$(comm -23 hashes.ours hashes.theirs | wc -l)
same=$(comm -12 hashes.ours hashes.theirs | wc -l)
if [ "$missing" -gt 0 ]; then
    echo "restic restores $missing of $((missing + same)) messages and files differently, or not at all." >&2
    exit 1
fi
echo "restic restores the same $same messages and files"
