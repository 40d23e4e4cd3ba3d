# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small Ansible Galaxy with one collection: what C(ansible-galaxy collection) asks of its API, version 3."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import threading
import typing as t
from pathlib import Path


def _answers(tarball: Path, address: str) -> dict[str, bytes]:
    """What is behind each path. Addresses are whole ones, as ansible-core 2.16 needs them."""
    namespace, name, version = tarball.name.removesuffix(".tar.gz").split("-")
    content = tarball.read_bytes()
    collection = f"/api/v3/collections/{namespace}/{name}/"
    versions = f"{collection}versions/"
    described = {
        "version": version,
        "namespace": {"name": namespace},
        "collection": {"name": name},
        "href": f"{versions}{version}/",
        "download_url": f"{address}/{tarball.name}",
        "artifact": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)},
        "metadata": {"dependencies": {}},
        "signatures": [],
    }
    documents: dict[str, t.Any] = {
        "/api/": {"available_versions": {"v3": "v3/"}},
        collection: {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"},
        versions: {"meta": {"count": 1}, "links": {"next": None}, "data": [{"version": version}]},
        f"{versions}{version}/": described,
    }
    return {f"/{tarball.name}": content, **{path: json.dumps(document).encode() for path, document in documents.items()}}


@contextlib.contextmanager
def running_galaxy(tarball: Path) -> t.Iterator[str]:
    """A Galaxy on loopback that has the collection of this tarball; its address, for C(ANSIBLE_GALAXY_SERVER)."""
    answers: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path.partition("?")[0])
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        address = f"http://127.0.0.1:{server.server_port}"
        answers.update(_answers(tarball, address))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"{address}/api/"
        finally:
            server.shutdown()
