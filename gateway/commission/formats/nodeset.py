"""OPC UA NodeSet2 files: the variables of an information model as tags, before any server is there.

Source: OPC 10000-6, Annex F. Namespace indices of a file are its own, so addresses name the URI (`nsu=`). Taken are instances
with a numeric or Boolean type, also one derived in the file; others are named, properties and variables of types only counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from gateway.commission.formats.xml import UnsafeXml, parse
from gateway.commission.found import FoundTag, Imported, described
from gateway.site.messages import problem
from gateway.site.place import Place

_UA = "{http://opcfoundation.org/UA/2011/03/UANodeSet.xsd}"
_NUMBERS = {
    f"i={n}" for n in (*range(1, 12), 26, 27, 28, 29, 290)
}  # Boolean … Double, Number, …, Enumeration, Duration
_BOOLEAN = "i=1"
_PROPERTY = "i=68"
_TYPES = ("UAObjectType", "UAVariableType", "UADataType", "UAReferenceType")
_SUBTYPE = ("HasSubtype", "i=45")
_SCALAR = ("-1", "-2", "-3")
_UP = ("HasComponent", "HasProperty", "Organizes", "i=47", "i=46", "i=35")


@dataclass(slots=True)
class _Model:
    """The nodes of a file: element by id, parent by id, the type a type is derived from, aliases."""

    uris: list[str] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, Element] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    bases: dict[str, str] = field(default_factory=dict)


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
        path = None if _is_property(node) else _path(model, identity)
        if path is None:
            left += 1
        elif reason := _no_number(model, node):
            imported.problems.append(
                problem("import.row", Place(identity), "warning", value=".".join(path), what=reason)
            )
        else:
            imported.tags.append(_tag(model, identity, node, path))
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
            kind, target = reference.get("ReferenceType"), (reference.text or "").strip()
            if kind in _UP and reference.get("IsForward") == "false":
                model.parents.setdefault(identity, target)
            elif kind in _SUBTYPE and reference.get("IsForward") == "false":
                model.bases[identity] = target
    return model


def _kind(model: _Model, node: Element) -> str:
    """The built-in type of a variable, or the type at which the file ends."""
    kind = model.aliases.get(node.get("DataType", ""), node.get("DataType", "i=24"))
    seen: set[str] = set()
    while kind not in _NUMBERS and kind in model.bases and kind not in seen:
        seen.add(kind)
        kind = model.bases[kind]
    return kind


def _no_number(model: _Model, node: Element) -> tuple[str, str] | None:
    """Why a variable cannot be a tag (English, Chinese), None where it can."""
    if node.get("ValueRank", "-1") not in _SCALAR:
        return "arrays are not read", "不支持数组"
    if _kind(model, node) not in _NUMBERS:
        shown = node.get("DataType", "?")
        return f"type {shown} is no number", f"类型 {shown} 不是数值"
    return None


def _tag(model: _Model, identity: str, node: Element, path: list[str]) -> FoundTag:
    cells = {"address": _address(model, identity)} | ({"type": "bool"} if _kind(model, node) == _BOOLEAN else {})
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
