"""Fail if a link inside built pages leads nowhere, or a page loads anything from elsewhere.

python3 .ci/check_pages.py FOLDER
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADING = {"img", "script", "link", "iframe", "source", "video", "audio", "object", "embed"}
NO_LOAD = {"canonical", "author", "license", "help", "next", "prev", "index", "search"}  # of <link>


class Page(HTMLParser):
    """What a page can be linked at, where it links to, and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        self.anchors |= {found[key] for key in ("id", "name") if key in found}
        address = found.get("href", found.get("src", found.get("data", "")))
        if not address:
            return
        self.links.append(address)
        if tag in LOADING and found.get("rel", "") not in NO_LOAD:
            self.loads.append(address)


def faults(root: Path) -> list[str]:
    pages = {path.resolve(): Page(path) for path in sorted(root.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        name = path.relative_to(root)
        found += [f"{name} loads {url}" for url in page.loads if urlsplit(url).netloc]
        found += [
            f"{name}: {link} leads nowhere" for link in page.links if broken(link, path, pages)
        ]
    return found if pages else [f"{root}: no pages"]


def broken(link: str, page: Path, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return False
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return True
    known = pages.get(target)
    return bool(parts.fragment and known and unquote(parts.fragment) not in known.anchors)


def main() -> None:
    root = Path(sys.argv[1]).resolve()
    found = faults(root)
    if found:
        sys.exit("\n".join(found))
    print(f"{len(list(root.rglob('*.html')))} pages: all links inside lead somewhere, all is here")


if __name__ == "__main__":
    main()
