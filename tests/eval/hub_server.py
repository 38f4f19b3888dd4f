"""A hub of models on this machine's loopback: the few addresses of it that huggingface_hub asks for, in memory."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import json
import re
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_of_the_tests"


class Hub:
    """Repositories: of each its commits, newest last, each the files by path."""

    def __init__(self) -> None:
        self.repositories: dict[str, list[dict[str, bytes]]] = {}
        self.private: set[str] = set()
        self.requests: list[str] = []

    def commit_ids(self, name: str) -> list[str]:
        return [hashlib.sha1(f"{name} {place}".encode()).hexdigest() for place in range(len(self.repositories[name]))]

    def files(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        commits = self.commit_ids(name)
        if revision == "main" and commits:
            return commits[-1], self.repositories[name][-1]
        return (revision, self.repositories[name][commits.index(revision)]) if revision in commits else None

    def add(self, name: str, files: dict[str, bytes], without: Collection[str] = ()) -> None:
        """A new commit."""
        before = self.repositories.setdefault(name, [])
        kept = {path: data for path, data in (before[-1] if before else {}).items() if path not in without}
        before.append({**kept, **files})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None: ...

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(content).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _refuse(self, status: int, code: str = "") -> None:
        self._json({"error": code or "refused"}, status, {"X-Error-Code": code} if code else {})

    def _answer(self) -> None:
        hub, path = self.server.hub, unquote(urlsplit(self.path).path)
        hub.requests.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if self.command == "POST" and path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif self.command == "POST" and not is_known:
            self._refuse(401)
        elif path == "/api/repos/create":
            told = json.loads(body)
            name = f"{told['organization']}/{told['name']}"
            if name in hub.repositories:
                self._json({"error": "You already created this model repo", "url": name}, 409)
                return
            hub.repositories[name] = [{".gitattributes": b"*.pt filter=lfs"}]
            if told.get("visibility") == "private" or told.get("private"):
                hub.private.add(name)
            self._json({"url": f"{self.server.address}/{name}", "name": name, "id": name})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(\w+)/([^/]+))?(?:/.*)?", path):
            self._of_repository(found[1], found[2] or "revision", found[3] or "main", body, is_known)
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(found[1], found[2], found[3], is_known)
        else:
            self._refuse(404)

    def _of_repository(self, name: str, what: str, revision: str, body: bytes, is_known: bool) -> None:
        hub = self.server.hub
        if name not in hub.repositories or (name in hub.private and not is_known):
            self._refuse(401 if not is_known else 404, "RepoNotFound")
            return
        if what == "preupload":
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None}
                for file in json.loads(body)["files"]
            ]
            self._json({"files": files})
            return
        if what == "commit":
            lines = [json.loads(line) for line in body.splitlines()]
            added = {
                line["value"]["path"]: base64.b64decode(line["value"]["content"])
                for line in lines
                if line["key"] == "file"
            }
            hub.add(name, added, {line["value"]["path"] for line in lines if line["key"] == "deletedFile"})
            oid = hub.commit_ids(name)[-1]
            self._json({"commitUrl": f"{self.server.address}/{name}/commit/{oid}", "commitOid": oid, "hookOutput": ""})
            return
        found = hub.files(name, revision)
        if found is None:
            self._refuse(404, "RevisionNotFound")
        elif what == "tree":
            self._json(
                [
                    {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                    for path, data in found[1].items()
                ]
            )
        else:
            siblings = [{"rfilename": path} for path in found[1]]
            self._json({"id": name, "modelId": name, "sha": found[0], "siblings": siblings, "private": False})

    def _file(self, name: str, revision: str, path: str, is_known: bool) -> None:
        hub = self.server.hub
        if name not in hub.repositories or (name in hub.private and not is_known):
            self._refuse(401, "RepoNotFound")
            return
        found = hub.files(name, revision)
        if found is None or path not in found[1]:
            self._refuse(404, "RevisionNotFound" if found is None else "EntryNotFound")
            return
        data = found[1][path]
        self._send(200, data, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": found[0]})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: Hub) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub
        self.address = f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(hub: Hub) -> Iterator[str]:
    """The address at which a hub answers."""
    server = _Server(hub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def matching(hub: Hub, pattern: str) -> list[str]:
    """The requests so far that a pattern describes."""
    return [request for request in hub.requests if fnmatch.fnmatch(request, pattern)]
