# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore did, in sentences for an administrator.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .._text import count_text, size_text
from ..backup.layout import ONEDRIVE
from ..backup.results import FindingKind
from ..backup.source_words import item_word
from .infected_items import PASSWORD
from .results import Restored, RestoreResult

_LEFT = (
    (Restored.UNCHANGED, "there already"),
    (Restored.SKIPPED, "left as the {target} has them"),
    (Restored.COPIED, "restored beside what the {target} has"),
    (Restored.REPLACED, "put in the place of what the {target} had"),
)


def restore_sentence(result: RestoreResult, *, is_check: bool) -> str:
    """A restore without findings."""
    word = _word(result)
    done = "would be restored" if is_check else "restored"
    sentence = f"{count_text(result.written, word)} ({size_text(result.restored_bytes)}) of {result.member} {done} into {result.target}."
    for what, words in _LEFT:
        if number := result.count(what):
            there = words.format(target="OneDrive" if ONEDRIVE in result.sources else "mailbox")
            sentence += f" {count_text(number, word)} {'was' if number == 1 else 'were'} {there}."
    if number := result.new_folders:
        sentence += f" {count_text(number, 'folder')} {'would be' if is_check else 'was' if number == 1 else 'were'} made."
    if number := sum(source.renamed_count for source in result.sources.values()):
        sentence += f" {count_text(number, 'path')} {'is another one than it was' if number == 1 else 'are others than they were'}."
    sentence += scan_sentence(result)
    if is_check and result.estimate.items:
        sentence += f" {_estimate_sentence(result)}"
    return sentence


def scan_sentence(result: RestoreResult) -> str:
    """What the malware scan has said of what was restored; with a space before it, empty where there is nothing to say."""
    scan, word = result.scan, _word(result)
    sentence = ""
    if number := scan["infected"]:
        sentence += f" {count_text(number, word)} of them {'is' if number == 1 else 'are'} infected"
        sentence += f" and in {result.infected_archive}, whose password is {PASSWORD}." if result.infected_archive else "."
    if number := scan["unscannable"]:
        sentence += f" Into {count_text(number, word)} the malware scan could not look."
    if number := scan["unscanned"]:
        sentence += (
            f" {count_text(number, word)} {'was' if number == 1 else 'were'} never scanned for malware, though the plan asks for it."
        )
    return sentence


def failure_sentence(result: RestoreResult) -> str:
    """A restore in which single items or whole sources could not be restored, or were refused."""
    findings = result.findings
    if stopped := [source for source in result.sources.values() if source.is_stopped]:
        last = stopped[0].findings[-1]
        return f"The {last.object} of {result.member} could not be restored into {result.target}: {last.reason}"
    refused, failed = ([one for one in findings if (one.kind is FindingKind.SKIPPED) is is_refused] for is_refused in (True, False))
    restored = f"{result.written:,} {'was' if result.written == 1 else 'were'} restored."
    if not failed:
        number = len(refused)
        were = "is infected and was" if number == 1 else "are infected and were"
        what = f"{count_text(number, _word(result))} of {result.member} {were} not restored into {result.target}"
    else:
        what = f"{count_text(len(failed), _word(result))} of {result.member} could not be restored into {result.target}"
        were = "was not because it is" if len(refused) == 1 else "were not because they are"
        what += f", and {len(refused):,} {were} infected" if refused else ""
    first = (failed or refused)[0]
    return f"{what}; {restored} The first one, {first.object}: {first.reason}{scan_sentence(result)}"


def _estimate_sentence(result: RestoreResult) -> str:
    estimate = result.estimate
    units = f" that cost {count_text(estimate.resource_units, 'resource unit')}" if estimate.resource_units else ""
    return (
        f"That takes {count_text(estimate.requests, 'request')}{units} and {size_text(estimate.upload_bytes)} of uploads at least,"
        f" for which the service needs {count_text(estimate.minutes, 'minute')} or more."
    )


def _word(result: RestoreResult) -> str:
    sources = list(result.sources)
    return item_word(sources[0]) if len(sources) == 1 else "item"
