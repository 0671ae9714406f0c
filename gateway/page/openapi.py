"""The page's API described as OpenAPI 3.1, made from the routes, the views' types and the table of verbs.

`python -m gateway.page.openapi FILE` writes it; the page serves it at /api/v1/openapi.json.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from gateway.control import views
from gateway.control.verbs import VERBS
from gateway.control.verbs.verb import Verb
from gateway.page.doors import Act, NewPin, Secret, Token

VERSION = "1.0.0"  # of the interface; a change that breaks a client gets a new path
_REF = "#/components/schemas/{name}"

LISTS: dict[str, Any] = {
    "overview": views.Overview,
    "interlocks": list[views.InterlockView],
    "alarms": list[views.AlarmView],
    "sources": list[views.SourceView],
    "bypasses": list[views.BypassView],
    "warnings": list[views.WarningView],
}


class Tags(msgspec.Struct):
    """Tags, and how many more there are."""

    tags: list[views.TagView]
    more: int


class Figures(msgspec.Struct):
    """Key figures and bad actors of a place."""

    figures: views.KeyFiguresView
    actors: list[views.ActorView]


class Answered(msgspec.Struct):
    """A reply of control: `code` is an exit code of the command line."""

    code: int
    message: str
    data: Any


class Refused(msgspec.Struct):
    """Why not."""

    error: str


BODIES = {"/api/v1/kiosk": Token, "/api/v1/signin": Secret, "/api/v1/pin": NewPin, "/api/v1/act": Act}
POSTS = {
    "/api/v1/kiosk": "Take the token of the kiosk's socket for its cookie.",
    "/api/v1/signin": "Sign in: a PIN at the kiosk, a passphrase over TLS.",
    "/api/v1/signout": "Sign out.",
    "/api/v1/pin": "Choose another PIN.",
    "/api/v1/act": "Do something; needs a session and a nonce.",
}
_INTEGER = {"type": "integer", "minimum": 1, "maximum": 999_999_999}
_TEXT = {"type": "string", "maxLength": 1000}


def document() -> dict[str, Any]:
    """The whole description."""
    kinds = [*LISTS.values(), views.TruthView, views.Series, Tags, Figures, Answered, Refused, *BODIES.values()]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    named = dict(zip(map(str, kinds), schemas, strict=True))
    paths: dict[str, Any] = {
        f"/api/v1/{name}": _get(f"The {name} as the page shows them.", named[str(kind)]) for name, kind in LISTS.items()
    }
    paths["/api/v1/tags"] = _get("Tags now.", named[str(Tags)], [_query("prefix", _TEXT)])
    window = [_query("place", _TEXT), _query("days", _INTEGER)]
    paths["/api/v1/kpis"] = _get("Key figures of the alarm system.", named[str(Figures)], window, missing=True)
    paths["/api/v1/explain/{function}"] = _get(
        "Why it is as it is.", named[str(views.TruthView)], [_path("function")], missing=True
    )
    span = [_path("tag"), _query("seconds", _INTEGER), _query("points", _INTEGER)]
    paths["/api/v1/trend/{tag}"] = _get("The last values of a tag.", named[str(views.Series)], span, missing=True)
    paths["/api/v1/trips/{function}"] = _get("Bundles of trips.", {"type": "array"}, [_path("function")])
    paths["/api/v1/trip/{id}"] = _get("What happened.", {"type": "object"}, [_path("id")], missing=True)
    printed = [_query("language", {"enum": ["en", "zh-CN"]}), _query("offset", {"type": "integer"})]
    paths["/api/v1/trip/{id}/report"] = _file("The page to print.", "text/html", printed)
    paths["/api/v1/trip/{id}/bundle"] = _file("The signed file.", "application/zip", [])
    paths["/api/v1/paper/{kind}"] = _file("A report to print.", "text/html", printed[:1], "kind")
    paths["/api/v1/clip/{camera}/{file}"] = _file(
        "A clip, for a signed-in operator.", "video/mp4", [_path("file")], "camera"
    )
    paths["/api/v1/session"] = _get("Who this browser is.", {"type": "object"}, [_query("active", _TEXT)])
    paths["/api/v1/nonce"] = _get("A nonce for one action.", {"type": "object"})
    paths["/healthz"] = _get("Whether it lives.", {"type": "object"})
    paths["/api/v1/openapi.json"] = _get("This description.", {"type": "object"})
    paths["/api/v1/ask/{verb}"] = _ask(named[str(Answered)])
    for path, told in POSTS.items():
        schema = named[str(BODIES[path])] if path in BODIES else {"type": "object"}
        paths[path] = _post(told, schema, nonce=path.endswith("/act"))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Gatehouse page",
            "version": VERSION,
            "description": "Supplementary monitoring and advisory interlocks. An integrator's token only reads.",
        },
        "security": [{"token": []}, {}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "gatehouse user token"}},
        },
        "x-verbs": {name: _verb(verb) for name, verb in VERBS.items()},
    }


def _verb(verb: Verb) -> dict[str, Any]:
    """What a verb takes, and who may."""
    return {
        "acts": verb.read is None,
        "role": verb.minimum,
        "target": verb.target,
        "dangerous": verb.dangerous,
        "without_login": verb.open,
        "arguments": {argument.name: {"required": argument.required} for argument in verb.arguments},
    }


def _answers(schema: dict[str, Any], kind: str = "application/json", *, missing: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"200": {"description": "as asked", "content": {kind: {"schema": schema}}}}
    for code, told in (
        ("400", "not what is expected"),
        ("401", "sign in"),
        ("403", "not here"),
        ("421", "unknown host"),
    ):
        found[code] = {"description": told}
    if missing:
        found["404"] = {"description": "no such thing"}
    return found


def _get(
    told: str, schema: dict[str, Any], parameters: list[dict[str, Any]] | None = None, *, missing: bool = False
) -> dict[str, Any]:
    return {"get": {"summary": told, "parameters": parameters or [], "responses": _answers(schema, missing=missing)}}


def _file(told: str, kind: str, parameters: list[dict[str, Any]], name: str = "id") -> dict[str, Any]:
    answers = _answers({"type": "string"}, kind, missing=True)
    return {"get": {"summary": told, "parameters": [_path(name), *parameters], "responses": answers}}


def _ask(schema: dict[str, Any]) -> dict[str, Any]:
    reading = sorted(name for name, verb in VERBS.items() if verb.read is not None)
    parameters = [
        _path("verb", {"enum": reading}),
        _query("target", _TEXT),
        _query("language", {"enum": ["en", "zh-CN"]}),
    ]
    return _get("A verb of the command line that only reads.", schema, parameters, missing=True)


def _post(told: str, schema: dict[str, Any], *, nonce: bool) -> dict[str, Any]:
    header = {"name": "X-Gatehouse-Nonce", "in": "header", "required": True, "schema": _TEXT}
    answers = {**_answers({"type": "object"}), "428": {"description": "needs a nonce or a plan"}}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {
        "post": {"summary": told, "parameters": [header] if nonce else [], "requestBody": body, "responses": answers}
    }


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _path(name: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema or _TEXT}


def text() -> bytes:
    """The description as JSON."""
    return msgspec.json.format(msgspec.json.encode(document(), order="deterministic"), indent=1) + b"\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(text())
