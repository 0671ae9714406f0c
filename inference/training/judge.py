"""Scores a network on an album, set by set, at the size it will be used."""

import torch

from inference.training.cache import Album
from inference.training.evaluate import Result, by_set, decode, suppressed
from inference.training.labels import Boxes
from inference.training.network import Detector, cells


@torch.no_grad()
def boxes(model: Detector, album: Album, side: int) -> list[Boxes]:
    """Boxes of every picture, in page pixels; pages must be `side` square."""
    centres, strides = (part.numpy() for part in cells(side, side))
    device = next(model.parameters()).device
    out = []
    for page in album.pages:
        image = torch.from_numpy(page[None, ..., ::-1].copy()).permute(0, 3, 1, 2).float().div_(255.0)
        logits, distances = model(image.to(device, memory_format=torch.channels_last))
        scores, reach = logits[0].sigmoid().float().cpu().numpy(), distances[0].float().exp().cpu().numpy()
        out.append(suppressed(decode(reach, scores, centres, strides)))
    return out


def judge(model: Detector, album: Album, side: int) -> dict[str, Result]:
    """Results by set, each over the classes that set labels."""
    return by_set(boxes(model.eval(), album, side), album)
