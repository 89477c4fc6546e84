"""HTML as a tree, parsed strictly: what is opened must be closed, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source"})


@dataclass
class Node:
    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def all(self, *tags: str) -> list[Node]:
        return [node for node in self.walk() if node.tag in tags]

    def of_class(self, name: str) -> list[Node]:
        return [n for n in self.walk() if name in (n.attributes.get("class") or "").split()]

    @property
    def text(self) -> str:
        """What is between the tags; lines of a heading are parted by a space."""
        parts = [" " if c.tag == "br" else c.text for c in self.children if isinstance(c, Node)]
        texts = iter(parts)
        return "".join(c if isinstance(c, str) else next(texts) for c in self.children)


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack = [Node("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"<{tag}> repeats an attribute"
        node = Node(tag, dict(attrs))
        self.stack[-1].children.append(node)
        if tag not in VOID:
            self.stack.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.stack[-1].children.append(Node(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag not in VOID
        assert self.stack[-1].tag == tag, f"</{tag}> where </{self.stack[-1].tag}> was expected"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        self.stack[-1].children.append(data)


def parse(text: str) -> Node:
    parser = _Parser()
    parser.feed(text)
    parser.close()
    assert len(parser.stack) == 1, f"never closed: {[node.tag for node in parser.stack[1:]]}"
    return parser.stack[0]


def rows(table: Node) -> list[list[str]]:
    """The cells of a table's rows, the heading left out."""
    found = [row.all("th", "td") for part in table.all("tbody", "tfoot") for row in part.all("tr")]
    return [[cell.text for cell in cells] for cells in found]


def captioned(tree: Node, start: str) -> list[Node]:
    """Tables whose caption begins with `start`."""
    return [t for t in tree.all("table") if t.all("caption")[0].text.startswith(start)]
