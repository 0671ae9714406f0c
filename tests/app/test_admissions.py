"""Models that the site uses are admitted by their golden batch in the process that reads models: the idle slot's, before a switch."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import onnx
import pytest
from onnx import numpy_helper

from gateway.app import admissions, selftest
from gateway.appliance.unpack import MARK
from gateway.appliance.update import run_selftest
from gateway.appliance.words import ApplianceError
from inference.leak.settings import SHIPPED
from inference.models import card as cards

SITE = """
[gateway]
site = "s"
id = "gw-1"
area = "tanks"
timezone = "UTC"

[source.f7]
driver = "leak"
sound = "alsa:hw:1,0"
model = "leak.onnx"
provider = {provider}
"""
TAGS = "tag,source,address,type,low,high\nf7.leak,f7,alarm,bool,,\n"


def site(folder: Path, provider: str = '["cpu"]') -> Path:
    """A site that judges leaks by a copy of the shipped model."""
    (folder / "site.toml").write_text(SITE.format(provider=provider), "utf-8")
    (folder / "tags.csv").write_text(TAGS, "utf-8")
    for end in ("onnx", "card.json", "golden.npz"):
        shutil.copy(SHIPPED.with_name(f"leak.{end}"), folder)
    return folder


def spoil(path: Path) -> None:
    """Other weights under a card that vouches for them: only what the model computes gives it away."""
    model = onnx.load(path)
    largest = max(model.graph.initializer, key=lambda one: len(one.raw_data))
    array = numpy_helper.to_array(largest)
    largest.CopyFrom(numpy_helper.from_array(array[::-1].copy(), largest.name))
    onnx.save(model, path)
    said = cards.path_of(path)
    said.write_text(json.dumps(json.loads(said.read_text("utf-8")) | {"sha256": cards.digest(path)}), "utf-8")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "ROOMS", ("gateway.appliance",))


def test_the_golden_batch_of_the_sites_model_comes_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert selftest.main([str(site(tmp_path))]) == 0
    assert selftest.main([str(tmp_path), "--models"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [(one["source"], one["provider"]) for one in found] == [("f7", "cpu")]
    assert "cpu" in found[0]["installed"]


def test_an_update_is_refused_where_a_model_computes_something_else_in_the_idle_slot(tmp_path: Path) -> None:
    """As `gatehouse update install` asks: by the slot's own Python, in a process of its own."""
    slot = tmp_path / "B"
    (slot / "bin").mkdir(parents=True)
    (slot / MARK).touch()
    (slot / "bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (slot / "bin/python").chmod(0o755)
    spoil(site(tmp_path) / "leak.onnx")
    with pytest.raises(ApplianceError) as refused:
        run_selftest(tmp_path, slot)
    assert refused.value.key == "selftest"
    assert "f7: " in refused.value.text("en")
    assert "is off" in refused.value.text("en")
    assert run_selftest(tmp_path, slot, rules=True) == {}


def test_a_provider_that_is_not_there_fails_it_and_what_is_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert selftest.main([str(site(tmp_path, '["tensorrt", "cann"]'))]) == 1
    said = capsys.readouterr().err
    assert "tensorrt is not installed" in said
    assert "cann is not installed" in said
    assert "installed: " in said


def test_a_process_that_dies_is_a_refusal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.app.admissions.PROCESS", "gateway.of.no.such.module")
    assert selftest.main([str(site(tmp_path))]) == 1
    assert "gave no answer" in capsys.readouterr().err


def test_what_native_code_prints_between_the_answers_is_passed_over() -> None:
    said = b'{ loading plugins }\n[1]\n{"row": {"provider": "cpu"}}\n{"cut'
    assert list(admissions._lines(said)) == [{"row": {"provider": "cpu"}}]
