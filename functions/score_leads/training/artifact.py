"""A model as bytes: packed with the versions that made it, and opened only when both agree."""

from __future__ import annotations

import hashlib
import pickle
import platform
import zlib
from dataclasses import dataclass

import numpy
import sklearn

from functions.score_leads.training.packed import Packed

FORMAT = 10
"""Raised whenever the classes of a model change, so that older artifacts are retrained."""


@dataclass(frozen=True)
class Artifact:
    """The bytes, their SHA-256 in hex, and the versions they need."""

    content: bytes
    sha256: str
    versions: str


def versions() -> str:
    """What a pickled model depends on: a model made by other versions is trained again."""
    return (
        f"format {FORMAT}, python {platform.python_version()}, "
        f"scikit-learn {sklearn.__version__}, numpy {numpy.__version__}"
    )


def pack(model: Packed) -> Artifact:
    """The model as bytes; equal models give equal bytes."""
    content = zlib.compress(pickle.dumps(model, protocol=5), level=6)
    return Artifact(content, hashlib.sha256(content).hexdigest(), versions())


def unpack(artifact: Artifact) -> Packed | None:
    """The model; None when other versions made it.

    Raises ValueError before anything is read from bytes whose hash differs: opening a pickle runs
    what is in it.
    """
    if artifact.versions != versions():
        return None
    if hashlib.sha256(artifact.content).hexdigest() != artifact.sha256:
        raise ValueError("the model's bytes do not have the hash they were registered with")
    model = pickle.loads(zlib.decompress(artifact.content))
    if not isinstance(model, Packed):
        raise ValueError("the bytes hold no model")
    return model
