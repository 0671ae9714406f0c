"""XML of untrusted files: no document type, so no entity can grow or fetch anything."""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder, XMLParser

DEPTH_MAX = 64  # a NodeSet is six deep


class UnsafeXml(ValueError):
    """The file declares a document type or is nested without end."""


class _Careful(TreeBuilder):
    """Builds the tree, and refuses what no export of a tag list has."""

    depth = 0

    def doctype(self, name: str, _public: str | None, _system: str | None) -> None:
        raise UnsafeXml(f"document type {name[:40]} is refused")

    def start(self, tag: str, attrs: dict[str, str]) -> Element:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise UnsafeXml(f"nested deeper than {DEPTH_MAX}")
        return super().start(tag, attrs)

    def end(self, tag: str) -> Element:
        self.depth -= 1
        return super().end(tag)


def parse(data: bytes) -> Element:
    """The root of `data`. Raises UnsafeXml or ParseError."""
    parser = XMLParser(target=_Careful())
    parser.feed(data)
    root = parser.close()
    assert isinstance(root, Element)
    return root
