"""Thresholds of a calibration: applied to its own model, refused for another, and no promise where none could be kept."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from gateway.core.errors import SourceError
from inference.cameras.job import Job
from inference.cameras.sight import NEVER, calibrated, finds_people, usual
from inference.models.card import Card, Quality, digest
from tests.inference.cameras.blob import BlobSight


def written(folder: Path, *, model: str, reached: bool) -> Path:
    three = {"worn": "helmet", "missing": "no_helmet", "compliant": 0.8, "violation": 0.2, "reached": reached}
    told = {"model": model, "max_miss": 0.01, "confidence": 0.95, "thresholds": {"person": 0.3, "no_helmet": 0.2}}
    path = folder / "gate3.thresholds.json"
    path.write_bytes(msgspec.json.encode({**told, "answers": [three | {"people": 90}]}))
    return path


def test_a_calibration_is_for_its_own_model_and_promises_no_more_than_it_may(tmp_path: Path) -> None:
    model = tmp_path / "ppe.onnx"
    model.write_bytes(b"a model")
    kept = calibrated(written(tmp_path, model=digest(model), reached=True), model)
    assert kept == {"person": 0.3, "no-helmet": 0.2, "helmet": 0.8}
    assert calibrated(written(tmp_path, model=digest(model), reached=False), model)["helmet"] == NEVER > 1
    with pytest.raises(SourceError, match="of another model"):
        calibrated(written(tmp_path, model="00" * 32, reached=True), model)
    (tmp_path / "none.json").write_text("{}")
    with pytest.raises(SourceError, match="cannot be read"):
        calibrated(tmp_path / "none.json", model)


def test_a_model_hides_people_only_where_it_was_shown_to_find_them() -> None:
    def card(*recalls: float) -> Card:
        measured = [Quality("site", 100, 0.5, {"Person": {"recall": one}, "vest": {"recall": 0.1}}) for one in recalls]
        return Card("", "v8", ["person"], "", [], measured=measured)

    assert finds_people(card(0.9, 0.7))
    assert not finds_people(card(0.9, 0.2))
    assert not finds_people(card())


def test_names_of_classes_are_those_of_the_field_however_a_model_writes_them() -> None:
    assert [usual(one) for one in ("no_helmet", "No-Helmet", " no helmet ")] == ["no-helmet"] * 3


def test_a_zone_that_asks_for_what_the_model_does_not_know_is_refused() -> None:
    class Blind(Job):
        def sight(self) -> BlobSight:
            return BlobSight()

    zone = {"name": "gate", "polygon": [[0, 0], [9, 0], [9, 9]], "ppe": ["helmet"]}
    job = Blind({"name": "g", "kind": "rtsp", "url": "rtsp://x/", "model": "", "zones": [zone], "picture": [10, 10]})
    with pytest.raises(SourceError, match="does not know helmet, no-helmet"):
        job.run(lambda _values, _at: None, None)  # type: ignore[arg-type]
