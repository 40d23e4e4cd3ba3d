# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which addresses may be used, and how paths are written.

A token goes to the configured Graph host only. What the service sends as a link is therefore taken apart, compared, and
used as a path on the connection to that host: whatever a parser may think of an odd link, its host is never dialled.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import re
import typing as t
import urllib.parse

from .clouds import Cloud
from .errors import LinkRefused

_PRINTABLE = re.compile(r"[!-~]+")


class UploadAddress(t.NamedTuple):
    """A pre-authenticated address: whoever knows it may write, so it is never shown."""

    host: str
    target: str

    def __repr__(self) -> str:
        return f"UploadAddress(host={self.host!r})"


class DownloadAddress(t.NamedTuple):
    """A pre-authenticated address: whoever knows it may read the file for about an hour, so it is never shown."""

    host: str
    target: str

    def __repr__(self) -> str:
        return f"DownloadAddress(host={self.host!r})"


def graph_path(*segments: str) -> str:
    """``/v1.0/users/...`` from raw segments; ids and names are quoted."""
    return "/v1.0/" + _quoted(segments)


def beta_path(*segments: str) -> str:
    """``/beta/users/...`` from raw segments, for what v1.0 does not offer."""
    return "/beta/" + _quoted(segments)


def with_query(path: str, parameters: t.Mapping[str, str] | None) -> str:
    if not parameters:
        return path
    query = urllib.parse.urlencode(parameters, quote_via=urllib.parse.quote, safe="$,()'/:")
    return f"{path}?{query}"


def graph_target(cloud: Cloud, path_or_link: str) -> str:
    """The path and query to ask the configured Graph host for.

    :raises LinkRefused: the link is not https, or leads to any other host than exactly the configured one.
    """
    if path_or_link.startswith("/") and not path_or_link.startswith("//"):
        return path_or_link
    host, target = _taken_apart(path_or_link)
    if host != cloud.graph_host:
        raise _refusal(host, f"only {cloud.graph_host} is trusted with the token")
    return target


def upload_address(cloud: Cloud, link: str) -> UploadAddress:
    """Where to send the pieces of an attachment; no token is ever sent there.

    :raises LinkRefused: the link is not https, or leads to a host that is not Microsoft's mail service of this cloud.
    """
    host, target = _taken_apart(link)
    if host != cloud.graph_host and host not in cloud.upload_hosts:
        raise _refusal(host, f"attachments of this cloud are uploaded to {' or '.join(cloud.upload_hosts)}")
    return UploadAddress(host, target)


def download_address(cloud: Cloud, link: str) -> DownloadAddress:
    """From where the content of a file is read; no token is ever sent there.

    :raises LinkRefused: the link is not https, or leads to a host that is not Microsoft's file service of this cloud.
    """
    return DownloadAddress(*_of_files(cloud, link))


def session_address(cloud: Cloud, link: str) -> UploadAddress:
    """Where to send the fragments of a file, and where to ask how far it got; no token is ever sent there.

    :raises LinkRefused: the link is not https, or leads to a host that is not Microsoft's file service of this cloud.
    """
    return UploadAddress(*_of_files(cloud, link))


def report_address(cloud: Cloud, link: str) -> DownloadAddress:
    """From where a usage report is read; no token is ever sent there.

    :raises LinkRefused: the link is not https, or leads to a host that gives out no reports of this cloud.
    """
    host, target = _taken_apart(link)
    if not re.fullmatch(cloud.report_hosts, host):
        raise _refusal(host, "it is no host for reports of this cloud")
    return DownloadAddress(host, target)


def _of_files(cloud: Cloud, link: str) -> tuple[str, str]:
    host, target = _taken_apart(link)
    if not any(host.endswith(f".{domain}") for domain in cloud.file_domains):
        raise _refusal(host, f"files of this cloud are on hosts below {' or '.join(cloud.file_domains)}")
    return host, target


def _quoted(segments: t.Iterable[str]) -> str:
    return "/".join(urllib.parse.quote(segment, safe="=@") for segment in segments)


def _taken_apart(link: str) -> tuple[str, str]:
    if not _PRINTABLE.fullmatch(link) or "\\" in link:
        raise _refusal("", "it holds characters that no link may hold")
    try:
        parts = urllib.parse.urlsplit(link)
        port = parts.port
    except ValueError:
        raise _refusal("", "it is not a valid address") from None
    host = (parts.hostname or "").lower()
    if parts.scheme.lower() != "https":
        raise _refusal(host, "it is not https")
    if "@" in parts.netloc or port not in (None, 443):
        raise _refusal(host, "it names a user or an unusual port")
    return host, urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))


def _refusal(host: str, reason: str) -> LinkRefused:
    place = f" to {host}" if host else ""
    return LinkRefused(
        f"Microsoft Graph answered with a link{place} that was not followed: {reason}.",
        hint="Check the cloud option and whether a proxy rewrites answers.",
    )
