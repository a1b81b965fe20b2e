"""From weights to what is packaged: one ONNX file in eight bits, the vocabulary, what was settled, and a hash of each."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from closeknit.coach.reader import FILES

from .net import Network

#: What a piece can hold: the reply, the text and three marks. Positions behind it are cut off.
POSITIONS = 264
MOST_BYTES = 25_000_000


def _shorter(network: Network) -> None:
    embeddings: Any = network.encoder.embeddings
    kept = embeddings.position_embeddings.weight[:POSITIONS].detach().clone()
    embeddings.position_embeddings = nn.Embedding.from_pretrained(kept)
    embeddings.position_ids = embeddings.position_ids[:, :POSITIONS]
    if hasattr(embeddings, "token_type_ids"):
        embeddings.token_type_ids = embeddings.token_type_ids[:, :POSITIONS]


def export(network: Network, folder: Path) -> None:
    """Write `reader.onnx`, in eight bits. The network is changed by it. Raises ValueError if it is larger than a package may
    hold."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder.mkdir(parents=True, exist_ok=True)
    network.eval()
    _shorter(network)
    ids = torch.tensor([[101, 2000, 102, 2001, 2002, 102]] * 2)
    types = torch.tensor([[0, 0, 0, 1, 1, 1]] * 2)
    names = ["input_ids", "token_type_ids", "attention_mask"]
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "whole.onnx"
        axes = {name: {0: "batch", 1: "tokens"} for name in (*names, "marks")}
        torch.onnx.export(
            network,
            (ids, types, torch.ones_like(ids)),
            str(whole),
            input_names=names,
            output_names=["scores", "marks"],
            dynamic_axes={**axes, "scores": {0: "batch"}},
            dynamo=False,
            opset_version=17,
        )
        quantize_dynamic(whole, folder / "reader.onnx", per_channel=True, weight_type=QuantType.QInt8)
    size = (folder / "reader.onnx").stat().st_size
    if size > MOST_BYTES:
        raise ValueError(f"the network has {size:,} bytes, more than a package may hold ({MOST_BYTES:,})")


def package(folder: Path, vocabulary: Path, settled: dict[str, Any], about: dict[str, Any]) -> None:
    """Put the other files beside `reader.onnx`. about: what the manifest says of where it comes from."""
    shutil.copy(vocabulary, folder / "vocab.txt")
    (folder / "settled.json").write_text(json.dumps(settled, indent=1) + "\n")
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    (folder / "manifest.json").write_text(json.dumps({**about, "sha256": hashes}, indent=1) + "\n")
