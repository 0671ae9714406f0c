"""What a worker asks about themselves: see, export, consent, withdraw, correct, erase, who looked, the monthly report.

Every method takes the worker that the asking person is; none takes an id from a request.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.people.answer import NOT_FOUND, OK, REFUSED, USAGE, Answer
from gateway.people.certificate import certificate
from gateway.people.dossier import CORRECTIONS_MAX, Consent, Correction
from gateway.people.keeping import Keeping
from gateway.people.report import monthly
from gateway.people.roster import Purpose, Worker
from gateway.people.sealing import fingerprint
from gateway.people.segments import HOUR_MS
from gateway.people.vault import Found
from gateway.people.words import both

MONTH_MS = 30 * 24 * HOUR_MS
EXPORT_MS = 15 * 60_000  # of one page: some thousand rows
MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
_PAPER = re.compile(r"paper:[0-9a-f]{64}")


class Own:
    """The worker's own side of the door."""

    def __init__(self, keeping: Keeping, gateway: str, key: Callable[[], Ed25519PrivateKey]) -> None:
        self._keeping, self._gateway, self._key = keeping, gateway, key

    async def ask(self, verb: str, worker: Worker, args: Mapping[str, str]) -> Answer:
        """One verb. Raises Closed, KeyStoreError, OSError."""
        match verb:
            case "person.see":
                return await self._see(worker)
            case "person.export":
                return await self._export(worker, args)
            case "person.consent":
                return await self._consent(worker, args)
            case "person.withdraw":
                return await self._withdraw(worker, args.get("purpose", ""))
            case "person.correct":
                return await self._correct(worker, args)
            case "person.erase":
                return await self._erase(worker)
            case "person.access":
                return await self._access(worker)
            case _:
                return await self._report(worker, args)

    async def _see(self, worker: Worker) -> Answer:
        """Everything at a glance, in one answer."""
        keeping = self._keeping
        await keeping.flush()
        dossier, body = keeping.dossier(worker.id), keeping.intake.bodies.get(worker.id)
        events = await keeping.do(lambda: [_row(one) for one in keeping.vault.read(worker.id, "event")])
        index = body.fatigue if body is not None else None
        return Answer(
            OK,
            data={
                "worker": worker.id,
                "now_utc_ms": keeping.now_ms(),
                "collected": sorted(keeping.allowed(worker.id)),
                "consents": [msgspec.to_builtins(one) for one in dossier.consents],
                "latest": {
                    "heard_utc_ms": body.heard_ms if body else None,
                    "heart_rate": body.rate if body else None,
                    "skin_temperature": body.skin_degc if body else None,
                    "motion_g": body.motion_g if body else None,
                },
                "fatigue": None
                if index is None
                else {"value": index.value, "confidence": index.confidence, "parts": index.parts},
                "events": events,
                "months": dossier.months,
                "in_a_row": dossier.rows,
                "corrections": [msgspec.to_builtins(one) for one in dossier.corrections],
                "notices": [msgspec.to_builtins(one) for one in dossier.notices],
                "certificates": [
                    {
                        "kind": one.kind,
                        "expires": one.expires.isoformat(),
                        "permit": one.permit,
                        "due": one.frozen(keeping.today(), keeping.roster.warn_days),
                    }
                    for one in worker.certificates
                ],
            },
        )

    async def _export(self, worker: Worker, args: Mapping[str, str]) -> Answer:
        """A page of records from `from_utc_ms` on; `next_utc_ms` is where the next page begins, 0 = that was all."""
        keeping = self._keeping
        await keeping.flush()
        begin_ms, now_ms = int(args.get("from_utc_ms", "0")), keeping.now_ms()
        begin_ms = max(begin_ms, await keeping.do(keeping.vault.first_ms, now_ms))
        end_ms = begin_ms + EXPORT_MS
        rows: list[dict[str, Any]] = []
        for tier in ("raw", "event"):
            rows += await keeping.do(
                lambda tier=tier: [_row(one) for one in keeping.vault.read(worker.id, tier, begin_ms, end_ms)]  # type: ignore[misc]
            )
        more = end_ms if end_ms <= now_ms + HOUR_MS else 0
        return Answer(OK, data={"rows": rows, "next_utc_ms": more})

    async def _consent(self, worker: Worker, args: Mapping[str, str]) -> Answer:
        """Signed by the worker's key, on paper, or by the sign-in that stands behind this request."""
        keeping, now_ms = self._keeping, self._keeping.now_ms()
        purpose = keeping.roster.purposes.get(args.get("purpose", ""))
        if purpose is None:
            return Answer(NOT_FOUND, both("no-purpose", purpose=args.get("purpose", "")[:40]))
        read = args.get("text_sha256", "")
        if read not in [fingerprint(text.encode()) for text in purpose.text.values()]:
            return Answer(REFUSED, both("text"))
        given_ms = int(args.get("given_utc_ms", "0") or 0) or now_ms
        plain = Consent(
            purpose.name,
            tuple(purpose.streams),
            given_ms,
            given_ms + purpose.months * MONTH_MS,
            read,
            "",
        )
        signature = self._signed(worker, plain, args.get("signature", ""))
        if not signature or abs(given_ms - now_ms) > HOUR_MS:
            return Answer(USAGE, both("signature"))
        await keeping.give(worker.id, msgspec.structs.replace(plain, signature=signature))
        until = datetime.fromtimestamp(plain.expires_utc_ms / 1000, UTC).date().isoformat()
        return Answer(OK, both("consented", purpose=purpose.name, until=until))

    def _signed(self, worker: Worker, consent: Consent, given: str) -> str:
        """The signature to keep; "" where the given one is not of this consent."""
        message = signable(self._gateway, worker.id, consent)
        if not given:
            return "sign-in:" + base64.b64encode(self._key().sign(message)).decode()
        if _PAPER.fullmatch(given):
            return given
        for key in self._keeping.roster.keys.get(worker.user, ()):
            try:
                public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("ed25519:")))
                public.verify(base64.b64decode(given.removeprefix("ed25519:"), validate=True), message)
            except (InvalidSignature, ValueError):
                continue
            return given
        return ""

    async def _withdraw(self, worker: Worker, purpose: str) -> Answer:
        erased = await self._keeping.withdraw(worker.id, purpose)
        if erased is None:
            return Answer(NOT_FOUND, both("no-consent", purpose=purpose[:40]))
        return Answer(OK, both("withdrawn"), await self._certificate(erased))

    async def _erase(self, worker: Worker) -> Answer:
        try:
            erased = await self._keeping.erase(worker.id)
        except KeyError:
            return Answer(NOT_FOUND, both("nothing"))
        return Answer(OK, both("erased"), await self._certificate(erased))

    async def _certificate(self, erased: Any) -> dict[str, Any]:
        vault = self._keeping.vault
        given = certificate(self._key(), self._gateway, erased, vault.store.kind, vault.head, self._keeping.now_ms())
        found: dict[str, Any] = msgspec.to_builtins(given)
        return found

    async def _correct(self, worker: Worker, args: Mapping[str, str]) -> Answer:
        """Beside the original, which stays as it was written."""
        keeping, stream, number = self._keeping, args.get("stream", ""), args.get("sequence", "")
        await keeping.flush()
        tier = "event" if stream == "behaviour" else "raw"
        found = await keeping.do(
            lambda: next(
                (
                    one
                    for one in keeping.vault.read(worker.id, "event" if tier == "event" else "raw")
                    if one.stream == stream and str(one.sequence) == number
                ),
                None,
            )
        )
        if found is None:
            return Answer(NOT_FOUND, both("no-record", stream=stream[:20], sequence=number[:20]))
        was = msgspec.json.encode(_row(found)["data"]).decode()[:1000]
        dossier = keeping.dossier(worker.id)
        entry = Correction(keeping.now_ms(), stream, found.sequence, was, args.get("now", ""), args.get("reason", ""))
        dossier.corrections = [*dossier.corrections, entry][-CORRECTIONS_MAX:]
        keeping.touch(worker.id)
        await keeping.flush()
        await keeping.do(
            keeping.vault.note, "corrected", worker.id, keeping.now_ms(), {"stream": stream, "sequence": number}
        )
        return Answer(OK, both("corrected"))

    async def _access(self, worker: Worker) -> Answer:
        """Who looked at what, when and why, from the audit trail."""
        lines = await self._keeping.do(self._keeping.vault.trail_of, worker.id)
        return Answer(OK, data=[{"utc_ms": at, "what": what, **detail} for at, what, detail in lines])

    async def _report(self, worker: Worker, args: Mapping[str, str]) -> Answer:
        month = args.get("month", "") or datetime.fromtimestamp(self._keeping.now_ms() / 1000, UTC).strftime("%Y-%m")
        if not MONTH.fullmatch(month):
            return Answer(USAGE, both("failed", why="month: 2026-11"))
        trail = await self._keeping.do(self._keeping.vault.trail_of, worker.id)
        roster = self._keeping.roster
        name = roster.names.get(worker.user, worker.id)
        language = args.get("language", "zh-CN")
        html = monthly(name, month, language, self._keeping.dossier(worker.id), roster, trail, worker)
        return Answer(OK, data={"html": html})


def signable(gateway: str, worker: str, consent: Consent) -> bytes:
    """What is signed: the consent without its signature, and whose it is where."""
    plain = msgspec.to_builtins(msgspec.structs.replace(consent, signature=""))
    return msgspec.json.encode({"gateway": gateway, "worker": worker, **plain}, order="sorted")


def shown_purpose(purpose: Purpose) -> dict[str, Any]:
    """A purpose with its texts and what their hashes are."""
    return {
        "purpose": purpose.name,
        "streams": list(purpose.streams),
        "months": purpose.months,
        "text": dict(purpose.text),
        "text_sha256": {language: fingerprint(text.encode()) for language, text in purpose.text.items()},
    }


def _row(found: Found) -> dict[str, Any]:
    """A record as people and spreadsheets read it: waves as lists."""
    data = msgspec.msgpack.decode(found.data)
    if isinstance(data, dict):
        data = {
            key: np.frombuffer(value, np.float32).astype(np.float64).round(6).tolist()
            if isinstance(value, bytes)
            else value
            for key, value in data.items()
        }
    return {"stream": found.stream, "sequence": found.sequence, "utc_ms": found.utc_ms, "data": data}
