"""OPC UA NodeSet2 files: the variables of an information model as tags, before any server is there.

Source: OPC 10000-6, Annex F. Namespace indices of a file are its own, so addresses name the URI (`nsu=`). Taken are instances
with a numeric or Boolean type; properties, variables of types and structures are left out (counted, not listed one by one).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from gateway.commission.formats.xml import UnsafeXml, parse
from gateway.commission.found import FoundTag, Imported, described
from gateway.site.messages import problem
from gateway.site.place import Place

_UA = "{http://opcfoundation.org/UA/2011/03/UANodeSet.xsd}"
_NUMBERS = {f"i={n}" for n in (*range(1, 12), 26, 27, 28, 290)}  # Boolean … Double, Number, Integer, UInteger, Duration
_BOOLEAN = "i=1"
_PROPERTY = "i=68"
_TYPES = ("UAObjectType", "UAVariableType", "UADataType", "UAReferenceType")
_UP = ("HasComponent", "HasProperty", "Organizes", "i=47", "i=46", "i=35")


@dataclass(slots=True)
class _Model:
    """The nodes of a file: element by id, parent by id, aliases."""

    uris: list[str] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, Element] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)


def read(name: str, data: bytes) -> Imported:
    """Every readable number of the model's instances, named by its path."""
    try:
        root = parse(data)
    except (UnsafeXml, ParseError) as error:
        return Imported([], [problem("import.xml", Place(name), what=(str(error), str(error)))])
    model = _model(root)
    imported, left = Imported(), 0
    for identity, node in model.nodes.items():
        if node.tag != f"{_UA}UAVariable":
            continue
        found = _tag(model, identity, node)
        if found is None:
            left += 1
        else:
            imported.tags.append(found)
    if left:
        imported.problems.append(problem("import.left-out", Place(name), "note", count=left))
    return imported


def _model(root: Element) -> _Model:
    model = _Model([uri.text or "" for uri in root.iterfind(f"{_UA}NamespaceUris/{_UA}Uri")])
    for alias in root.iterfind(f"{_UA}Aliases/{_UA}Alias"):
        model.aliases[alias.get("Alias", "")] = (alias.text or "").strip()
    for node in root:
        identity = node.get("NodeId")
        if identity is None:
            continue
        model.nodes[identity] = node
        if parent := node.get("ParentNodeId"):
            model.parents[identity] = parent
        for reference in node.iterfind(f"{_UA}References/{_UA}Reference"):
            if reference.get("ReferenceType") in _UP and reference.get("IsForward") == "false":
                model.parents.setdefault(identity, (reference.text or "").strip())
    return model


def _tag(model: _Model, identity: str, node: Element) -> FoundTag | None:
    kind = model.aliases.get(node.get("DataType", ""), node.get("DataType", "i=24"))
    if kind not in _NUMBERS or node.get("ValueRank", "-1") not in ("-1", "-2", "-3") or _is_property(node):
        return None
    path = _path(model, identity)
    if path is None:
        return None
    cells = {"address": _address(model, identity)} | ({"type": "bool"} if kind == _BOOLEAN else {})
    text = node.findtext(f"{_UA}Description") or node.findtext(f"{_UA}DisplayName") or ""
    return FoundTag(".".join(path), cells | described(text), identity)


def _is_property(node: Element) -> bool:
    return any(
        (reference.text or "").strip() == _PROPERTY for reference in node.iterfind(f"{_UA}References/{_UA}Reference")
    )


def _path(model: _Model, identity: str) -> list[str] | None:
    """Browse names from the outermost node of this file; None where it hangs below a type or in a circle."""
    path: list[str] = []
    seen: set[str] = set()
    at: str | None = identity
    while at is not None and at in model.nodes:
        node = model.nodes[at]
        if at in seen or node.tag.removeprefix(_UA) in _TYPES:
            return None
        seen.add(at)
        path.insert(0, node.get("BrowseName", "").rpartition(":")[2])
        at = model.parents.get(at)
    return path[2:] if path[:2] == ["Root", "Objects"] else path


def _address(model: _Model, identity: str) -> str:
    head, _, rest = identity.partition(";")
    index = int(head[3:]) if head.startswith("ns=") and head[3:].isdecimal() else 0
    if not index:
        return f"ns=0;{identity}" if not rest else identity
    uri = model.uris[index - 1] if index <= len(model.uris) else ""
    return f"nsu={uri};{rest}" if uri else identity
