"""Pages in a real browser: Chromium without a window, steered by its command line."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

MISSING = "needs Chromium: apt-get install chromium"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SECONDS = 120  # on a busy machine
_FLAGS = (
    "--headless",
    "--no-sandbox",  # it needs rights that containers lack; all pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
)
_CONSOLE = re.compile(r":CONSOLE[:(]\d+[\])]* (.*)")
_DARK = "--blink-settings=preferredColorScheme=0"


def executable() -> str:
    for name in _NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    pytest.skip(MISSING)


@dataclass
class Site:
    """A folder on a loopback server, and what was asked of it."""

    address: str
    folder: Path
    asked: list[str] = field(default_factory=list)

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"


@dataclass(frozen=True)
class Visit:
    """What opening a page came to."""

    dom: str
    console: tuple[str, ...]
    fetched: tuple[str, ...]  # what the page itself asked for, wherever that is


@contextlib.contextmanager
def site(folder: Path) -> Iterator[Site]:
    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        made = Site(f"http://127.0.0.1:{server.server_address[1]}", folder)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def visit(where: Site, name: str, scratch: Path) -> Visit:
    """Open a page, let it settle, and say what happened."""
    log = scratch / "net.json"
    done = _run(scratch, f"--log-net-log={log}", "--dump-dom", where.url(name))
    return Visit(
        dom=done.stdout,
        console=tuple(_CONSOLE.findall(done.stderr)),
        fetched=tuple(_fetched(log, where.address)),
    )


def screenshot(
    where: Site, name: str, scratch: Path, *, width: int = 1000, dark: bool = False
) -> Path:
    """A picture of the top of a page."""
    picture = scratch / f"{name}-{width}-{dark}.png"
    theme = [_DARK] if dark else []
    _run(scratch, *theme, f"--window-size={width},1200", f"--screenshot={picture}", where.url(name))
    return picture


def _run(scratch: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    profile = scratch / "profile"
    return subprocess.run(
        [executable(), *_FLAGS, f"--user-data-dir={profile}", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        timeout=_SECONDS,
    )


def _fetched(log: Path, origin: str) -> list[str]:
    """Addresses that a page of `origin` asked for, out of Chromium's own log of its network.

    The browser has requests of its own; those name no page as their initiator.
    """
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    starts = [e["params"] for e in events if "initiator" in e.get("params", {})]
    return [p["url"] for p in starts if p["initiator"] == origin and "url" in p]
