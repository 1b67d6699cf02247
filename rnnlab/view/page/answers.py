"""Questions to a trained network: a run of this server, or a network that ships with the app.

A checkpoint of a run answers in a process of its own, with torch; a network that ships with the app answers here, with
NumPy. The answers are the same.
"""

from __future__ import annotations

from typing import Any

from rnnlab.config import Decoding
from rnnlab.view.data import networks
from rnnlab.view.data.identity import Identity
from rnnlab.view.page import session


def inspect(identity: Identity, text: str, layer: int, epoch: int | None) -> dict[str, Any]:
    """Return the answer that `Client.inspect` describes.

    Args:
        identity: a run, or the recording of a recipe whose network ships with the app.
        text: the text to read.
        layer: number of the layer.
        epoch: epoch of a checkpoint; None: the newest.
    """
    if not identity.recorded:
        return session.client().inspect(identity.name, text, layer, epoch)
    return _here(identity, epoch, {"kind": "inspect", "text": text, "layer": layer})


def dependence(identity: Identity, text: str, position: int, epoch: int | None) -> dict[str, Any]:
    """Return the answer that `Client.dependence` describes; the arguments are those of `inspect`."""
    if not identity.recorded:
        return session.client().dependence(identity.name, text, position, epoch)
    return _here(identity, epoch, {"kind": "dependence", "text": text, "position": position})


def generate(
    identity: Identity,
    prefix: str,
    num_preds: int,
    decoding: Decoding,
    temperature: float,
    top_k: int,
    seed: int,
    epoch: int | None,
) -> str:
    """Return the text that `Client.generate` describes.

    For the decodings that sample, the same seed gives another text than in a run of this server.
    """
    if not identity.recorded:
        return session.client().generate(identity.name, prefix, num_preds, decoding, temperature, top_k, seed, epoch)
    question = {
        "kind": "generate",
        "prefix": prefix,
        "num_preds": num_preds,
        "decoding": decoding,
        "temperature": temperature,
        "top_k": top_k,
        "seed": seed,
    }
    return str(_here(identity, epoch, question)["text"])


def _here(identity: Identity, epoch: int | None, question: dict[str, Any]) -> dict[str, Any]:
    newest = networks.epochs(identity.name)[-1]
    return networks.answer(identity.name, newest if epoch is None else epoch, question)
