"""What an OPC UA server has to offer: its variables below Objects that are numbers or bits, named by their path.

Specification: OPC 10000-4, 5.8 (Browse) and 5.10 (Read); units and ranges as OPC 10000-8 puts them beside an analog item.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from asyncua import Client, ua
from asyncua.common.utils import ServiceError

from drivers.base import Listed
from drivers.opcua_session import SessionSettings, close, connect, why
from gateway.core.errors import SourceError

NODES_MAX = 200_000  # looked at; a server with more is browsed from a folder of its own project file instead
DEPTH_MAX = 32
AT_ONCE = 100  # nodes of one request: what small servers still take
_SERVER = ua.NodeId(ua.ObjectIds.Server)  # what the server says of itself is no plant data
_BOOLEAN = ua.VariantType.Boolean
_NUMBERS = (
    *(ua.VariantType.SByte, ua.VariantType.Byte, ua.VariantType.Int16, ua.VariantType.UInt16),
    *(ua.VariantType.Int32, ua.VariantType.UInt32, ua.VariantType.Int64, ua.VariantType.UInt64),
    *(ua.VariantType.Float, ua.VariantType.Double),
)


@dataclass(slots=True)
class _Found:
    """A node on the way down; `unit` and `range` are properties of it."""

    node: ua.NodeId
    path: tuple[str, ...]
    variable: bool
    unit: ua.NodeId | None = None
    range: ua.NodeId | None = None


async def browse(settings: SessionSettings) -> list[Listed]:
    """Every number or bit that can be read, in the server's order. Raises SourceError."""
    try:
        client = await connect(settings)
        try:
            spaces = await client.get_namespace_array()
            variables = [one for one in await _walk(client) if one.variable]
            return await _listed(client, variables, spaces)
        finally:
            await close(client)
    except (ua.UaError, ServiceError, OSError, TimeoutError) as error:
        raise why(settings.url, error) from error


async def _walk(client: Client) -> list[_Found]:
    """Breadth first from Objects; every node once, however many ways lead to it."""
    level = [_Found(ua.NodeId(ua.ObjectIds.ObjectsFolder), (), variable=False)]
    seen, found = {level[0].node, _SERVER}, list[_Found]()
    for _ in range(DEPTH_MAX):
        below: list[_Found] = []
        for part in _parts(level):
            for parent, references in zip(part, await _references(client, part), strict=True):
                below += _children(parent, references, seen)
        if len(seen) > NODES_MAX:
            raise SourceError(f"the server has more than {NODES_MAX:,} nodes; import its NodeSet2 file instead")
        found += below
        level = below
        if not level:
            break
    return found


def _children(parent: _Found, references: Sequence[ua.ReferenceDescription], seen: set[ua.NodeId]) -> Iterator[_Found]:
    for one in references:
        node, name = ua.NodeId(one.NodeId.Identifier, one.NodeId.NamespaceIndex), one.BrowseName.Name or ""
        if one.ReferenceTypeId == ua.NodeId(ua.ObjectIds.HasProperty):
            if name == "EngineeringUnits":
                parent.unit = node
            elif name == "EURange":
                parent.range = node
            continue
        elsewhere = getattr(one.NodeId, "ServerIndex", 0)  # the library keeps a plain id where the server is this one
        if elsewhere or node in seen or one.NodeClass not in (ua.NodeClass.Object, ua.NodeClass.Variable):
            continue
        seen.add(node)
        yield _Found(node, (*parent.path, name), one.NodeClass is ua.NodeClass.Variable)


async def _references(client: Client, parents: Sequence[_Found]) -> list[list[ua.ReferenceDescription]]:
    """What hangs below each of them, however many pieces the server gives it in."""
    asked = ua.BrowseParameters()
    asked.NodesToBrowse = [_description(one.node) for one in parents]
    results = await client.uaclient.browse(asked)
    found = [list(one.References or []) for one in results]
    points = {at: one.ContinuationPoint for at, one in enumerate(results) if one.ContinuationPoint}
    while points:
        more = ua.BrowseNextParameters(ReleaseContinuationPoints=False, ContinuationPoints=list(points.values()))
        results = await client.uaclient.browse_next(more)
        for at, one in zip(list(points), results, strict=True):
            found[at] += one.References or []
            points[at] = one.ContinuationPoint
        points = {at: point for at, point in points.items() if point}
    return found


def _description(node: ua.NodeId) -> ua.BrowseDescription:
    return ua.BrowseDescription(
        NodeId=node,
        BrowseDirection=ua.BrowseDirection.Forward,
        ReferenceTypeId=ua.NodeId(ua.ObjectIds.HierarchicalReferences),
        IncludeSubtypes=True,
        ResultMask=ua.BrowseResultMask.All,
    )


async def _listed(client: Client, variables: Sequence[_Found], spaces: Sequence[str]) -> list[Listed]:
    found = []
    for part in _parts(variables):
        values = await client.uaclient.read_attributes([one.node for one in part], ua.AttributeIds.Value)
        texts = await client.uaclient.read_attributes([one.node for one in part], ua.AttributeIds.Description)
        for one, value, text in zip(part, values, texts, strict=True):
            kind = value.Value.VariantType if value.Value is not None and not value.Value.is_array else None
            if kind is _BOOLEAN or kind in _NUMBERS:
                unit, low, high = await _beside(client, one)
                kept = "bool" if kind is _BOOLEAN else ""
                name = ".".join(one.path)
                found.append(Listed(name, _address(one.node, spaces), kept, unit, low, high, _text(text)))
    return found


async def _beside(client: Client, one: _Found) -> tuple[str, float | None, float | None]:
    """Unit and range of an analog item, where the server gives them."""
    nodes = [node for node in (one.unit, one.range) if node is not None]
    if not nodes:
        return "", None, None
    values = await client.uaclient.read_attributes(nodes, ua.AttributeIds.Value)
    unit, low, high = "", None, None
    for value in values:
        inner = value.Value.Value if value.Value is not None else None
        if isinstance(inner, ua.EUInformation):
            unit = inner.DisplayName.Text or ""
        elif isinstance(inner, ua.Range):
            low, high = inner.Low, inner.High
    return unit, low, high


def _address(node: ua.NodeId, spaces: Sequence[str]) -> str:
    """By the URI of its namespace: an index may change when the server starts again."""
    plain = ua.NodeId(node.Identifier, 0, node.NodeIdType).to_string()
    if not node.NamespaceIndex:
        return f"ns=0;{plain}"
    space = spaces[node.NamespaceIndex] if node.NamespaceIndex < len(spaces) else ""
    return f"nsu={space};{plain}" if space else f"ns={node.NamespaceIndex};{plain}"


def _text(value: ua.DataValue) -> str:
    inner = value.Value.Value if value.Value is not None else None
    return (inner.Text or "") if isinstance(inner, ua.LocalizedText) else ""


def _parts(nodes: Sequence[_Found]) -> Iterator[Sequence[_Found]]:
    for at in range(0, len(nodes), AT_ONCE):
        yield nodes[at : at + AT_ONCE]
