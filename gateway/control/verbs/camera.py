"""`camera.*`: how cameras stand, their clips, and a picture with people hidden."""

from __future__ import annotations

from gateway.control.cameras import CameraView, ClipView, PictureView, ZoneView
from gateway.control.messages import Request
from gateway.control.verbs.verb import Argument, Facts, Refusal, Verb, one_of
from gateway.control.views import Views


def _list(_views: Views, facts: Facts, _request: Request) -> list[CameraView]:
    return facts.cameras.every()


def _zones(_views: Views, facts: Facts, request: Request) -> list[ZoneView]:
    return _named(facts, request).zones


def _named(facts: Facts, request: Request) -> CameraView:
    for camera in facts.cameras.every():
        if camera.name == request.target:
            return camera
    raise Refusal(4, "camera.none", target=request.target[:80])


def _clips(_views: Views, facts: Facts, request: Request) -> list[ClipView]:
    name = request.args.get("camera", "")
    return [clip for clip in facts.cameras.clips() if name in ("", clip.camera)]


def _picture(_views: Views, facts: Facts, request: Request) -> PictureView:
    camera = _named(facts, request)
    given = request.args.get("number", "")
    if given:
        return PictureView(int(given), facts.cameras.picture(camera.name, int(given)))
    number = facts.cameras.ask(camera.name, zones=request.args.get("zones") == "yes") if camera.connected else 0
    if not number:
        raise Refusal(8, "camera.away", target=camera.name)
    return PictureView(number)


def _number(value: str) -> str:
    return "" if value.isascii() and value.isdigit() and len(value) < 10 else "0 … 999999999"


VERBS = (
    Verb("camera.list", read=_list, target=False),
    Verb("camera.zones", read=_zones),
    Verb("camera.clips", read=_clips, target=False, arguments=(Argument("camera"),)),
    Verb(
        "camera.picture",
        "operator",
        read=_picture,
        arguments=(Argument("zones", check=one_of("yes", "no")), Argument("number", check=_number)),
    ),
)
