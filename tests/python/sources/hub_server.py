"""A hub of models on 127.0.0.1: the part of its protocol that reading needs.

``GET /api/models/{id}[/revision/{revision}]`` lists files; ``HEAD`` and ``GET
/{id}/resolve/{revision}/{file}`` give them with ETag, X-Repo-Commit and byte ranges. Large files
answer as the hub does for LFS: a redirect with X-Linked-ETag and X-Linked-Size to another address.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_LFS_FROM = 10_000  # bytes


class HubServer:
    """Serves folders as models, and misbehaves on request."""

    def __init__(self) -> None:
        self.models: dict[str, dict[str, bytes]] = {}
        self.gated: set[str] = set()
        self.cut: dict[str, int] = {}  # file -> how many bytes before the connection is cut
        self.missing: set[str] = set()  # listed, but not there
        self.status: int | None = None  # what every request is answered with
        self.requests: list[tuple[str, str]] = []
        self.tokens: set[str | None] = set()
        handler = type("Handler", (_Handler,), {"hub": self})
        # Two ports: the client treats a redirect to another host as one to the large-file storage.
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
        for server in self._servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.endpoint, self.storage = (f"http://127.0.0.1:{s.server_port}" for s in self._servers)

    def add(self, repo_id: str, folder: Path, *names: str) -> None:
        """Publish the files of a folder (all of them, unless named)."""
        files = [path for path in folder.iterdir() if not names or path.name in names]
        self.models[repo_id] = {path.name: path.read_bytes() for path in sorted(files)}

    def commit(self, repo_id: str) -> str:
        state = hashlib.sha1(repr(self.models[repo_id]).encode(), usedforsecurity=False)
        return state.hexdigest()

    def fetched(self, method: str = "GET") -> list[str]:
        """The files asked for so far."""
        paths = [path for found, path in self.requests if found == method]
        return [path.rsplit("/", 1)[1] for path in paths if not path.startswith("/api/")]

    def stop(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path))
        self.hub.tokens.add(self.headers.get("Authorization"))
        if self.hub.status is not None:
            self._error(self.hub.status)
        elif found := re.fullmatch(r"/api/models/(.+?)(?:/revision/(.+))?", path):
            self._info(found[1], found[2])
        elif found := re.fullmatch(r"/lfs/(.+)/([^/]+)", path):
            self._data(self.hub.models[found[1]][found[2]], found[2], {})
        elif found := re.fullmatch(r"/(.+)/resolve/([^/]+)/([^/]+)", path):
            self._file(found[1], found[2], found[3])
        else:
            self._error(404)

    def _known(self, repo_id: str, revision: str | None) -> bool:
        if repo_id not in self.hub.models:
            self._error(401, "RepoNotFound")  # what the hub answers without a token
        elif revision not in (None, "main", self.hub.commit(repo_id)):
            self._error(404, "RevisionNotFound")
        else:
            return True
        return False

    def _info(self, repo_id: str, revision: str | None) -> None:
        if not self._known(repo_id, revision):
            return
        names = [*self.hub.models[repo_id], *self.hub.missing]
        siblings = [{"rfilename": name} for name in names]
        info = {"id": repo_id, "sha": self.hub.commit(repo_id), "siblings": siblings}
        self._send(200, json.dumps(info).encode(), {"Content-Type": "application/json"})

    def _file(self, repo_id: str, revision: str, name: str) -> None:
        if not self._known(repo_id, revision):
            return
        data = self.hub.models[repo_id].get(name)
        if repo_id in self.hub.gated and self.headers.get("Authorization") != "Bearer good":
            self._error(401, "GatedRepo")
        elif data is None:
            self._error(404, "EntryNotFound")
        else:
            self._found(repo_id, name, data)

    def _found(self, repo_id: str, name: str, data: bytes) -> None:
        etag = f'"{hashlib.sha256(data).hexdigest()}"'
        headers = {"X-Repo-Commit": self.hub.commit(repo_id), "ETag": etag}
        if len(data) < _LFS_FROM:
            self._data(data, name, headers)
            return
        headers |= {
            "X-Linked-ETag": etag,
            "X-Linked-Size": str(len(data)),
            "Location": f"{self.hub.storage}/lfs/{repo_id}/{name}",
        }
        self._send(302, b"", headers)

    def _data(self, data: bytes, name: str, headers: dict[str, str]) -> None:
        status, begin = 200, 0
        if found := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            status, begin = 206, int(found[1])
            headers["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        headers["Accept-Ranges"] = "bytes"
        keep = self.hub.cut.get(name) if self.command == "GET" else None
        self._send(status, data[begin:], headers, keep if keep is None else max(0, keep - begin))

    def _send(
        self, status: int, body: bytes, headers: dict[str, str], keep: int | None = None
    ) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:keep])
        if keep is not None:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def _error(self, status: int, code: str | None = None) -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": code} if code else {}
        self._send(status, b"", headers)
