"""The shipped detector: its graphs are the files of their cards, give the golden answers, and see more in a scene than in a blank page."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="onnxruntime (the inference extra) is not installed")
pytest.importorskip("cv2", reason="OpenCV (the inference extra) is not installed")

from inference.models.card import digest, read
from inference.training import modelcard
from inference.training.finish import MODELS
from inference.training.shipped import open_graph

SHIPPED = Path(__file__).parents[2] / "inference" / "shipped"
TOGETHER_MAX = 10_000_000  # bytes, from the specification


@pytest.mark.parametrize("name", MODELS)
def test_card_golden_batch_and_answers(name: str) -> None:
    file = SHIPPED / name
    card = read(file)  # raises where the hash differs
    assert card is not None
    assert card.golden is not None
    assert card.precision == MODELS[name]
    assert digest(SHIPPED / card.golden.file) == card.golden.sha256
    with np.load(SHIPPED / card.golden.file) as golden:
        pictures, expected = golden["input"], golden["output0"]
    session = open_graph(file)
    blank = session.run(None, {"images": np.full_like(pictures[:1], 114)})[0][0]
    for picture, answer in zip(pictures, expected, strict=True):
        got = session.run(None, {"images": picture[None]})[0][0]
        for part in (slice(0, 4), slice(4, None)):  # scores would drown among pixels
            assert np.abs(got[part] - answer[part]).max() <= card.golden.tolerance * np.abs(answer[part]).max()
        assert got[4:].max() > 2 * blank[4:].max()  # it sees that something is there


def test_both_fit_in_ten_megabytes_and_say_where_they_come_from() -> None:
    assert sum((SHIPPED / name).stat().st_size for name in MODELS) <= TOGETHER_MAX
    attribution = (SHIPPED / "ATTRIBUTION.md").read_text()
    assert "CC BY 4.0" in attribution
    for name in MODELS:
        card = read(SHIPPED / name)
        assert card is not None
        assert card.licence == "Apache-2.0"
        assert {item.data.split("/")[0] for item in card.measured} == {"css_ppe", "forklift", "hhw_mini"}
        assert not any("Hard Hat" in source for source in card.trained_on)
        assert card.limits["zh-CN"]


@pytest.mark.parametrize("language", modelcard.DOCUMENTS)
def test_the_model_card_says_what_the_cards_and_the_log_say(language: str) -> None:
    text = (SHIPPED / modelcard.DOCUMENTS[language]).read_text()
    assert modelcard.filled(text, language, SHIPPED) == text
    with pytest.raises(ValueError, match="measured"):
        modelcard.filled(text.replace("<!-- measured -->", ""), language, SHIPPED)
