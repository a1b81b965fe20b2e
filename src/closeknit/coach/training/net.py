"""The network: one encoder over what is answered and the text, a small head a group of tasks, a mark for each token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from closeknit.coach.heads import EMPATHY, GROUPS

HIDDEN = 192
#: Numbers of the marks in the uncased BERT vocabulary, and what MPNet calls them; its words stand four places later.
PAD, FIRST, END = 0, 101, 102
OTHERWISE = {PAD: 1, FIRST: 0, END: 2}
LATER = 4


class Network(nn.Module):
    """Scores (batch, len(NAMES)) and marks (batch, tokens, 3), both before any squashing."""

    def __init__(self, encoder: nn.Module, width: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder

        def head(size: int) -> nn.Module:
            return nn.Sequential(nn.Linear(3 * width, HIDDEN), nn.GELU(), nn.Dropout(dropout), nn.Linear(HIDDEN, size))

        self.heads = nn.ModuleDict({name: head(len(outputs)) for name, outputs in GROUPS.items()})
        self.marks = nn.Linear(width, len(EMPATHY))

    def forward(self, input_ids: Tensor, token_type_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.encoder(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)[0]
        own = (token_type_ids * attention_mask).unsqueeze(-1).to(seen.dtype)
        mean = (seen * own).sum(1) / own.sum(1).clamp(min=1)
        # Minus a large number where a token is not the text's own, so that the largest is one of its own.
        most = (seen - (1 - own) * 1e4).amax(1)
        pooled = torch.cat([seen[:, 0], mean, most], dim=-1)
        return torch.cat([self.heads[name](pooled) for name in GROUPS], dim=-1), self.marks(seen)


class Larger(nn.Module):
    """MPNet, asked as BERT is: with the numbers of BERT's vocabulary, and with types, which it has to learn."""

    def __init__(self, mpnet: Any) -> None:
        super().__init__()
        self.mpnet = mpnet
        self.types = nn.Embedding(2, mpnet.config.hidden_size)
        nn.init.zeros_(self.types.weight)
        renamed = torch.arange(mpnet.config.vocab_size - LATER - 1) + LATER
        for number, other in OTHERWISE.items():
            renamed[number] = other
        self.register_buffer("renamed", renamed, persistent=False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Any:
        words = self.mpnet.embeddings.word_embeddings(self.renamed[input_ids.long()])
        return self.mpnet(inputs_embeds=words + self.types(token_type_ids.long()), attention_mask=attention_mask)


class Whole:
    """A network as it is, asked as `coach.reader` asks the packaged one."""

    def __init__(self, network: Network, device: str) -> None:
        self._network, self._device = network.eval(), device

    def run(self, _outputs: None, given: dict[str, Any]) -> list[Any]:
        """[scores, marks], as arrays."""
        with torch.inference_mode():
            found = self._network(**{name: torch.from_numpy(value).to(self._device) for name, value in given.items()})
        return [one.cpu().numpy() for one in found]


def start_network(weights: Path) -> Network:
    """A network on a published encoder (BERT or MPNet), its heads new. weights: a folder as transformers reads it."""
    from transformers import AutoModel

    # Drawing which attention to drop takes longer on a processor than attending; dropping elsewhere is enough.
    changed = {"add_pooling_layer": False, "attention_probs_dropout_prob": 0.0}
    encoder = AutoModel.from_pretrained(weights, local_files_only=True, **changed)
    # The words' own vectors stay as they are: half of all numbers, a fifth of the time, and little to learn from few texts.
    encoder.embeddings.word_embeddings.weight.requires_grad_(False)
    width = encoder.config.hidden_size
    return Network(Larger(encoder) if encoder.config.model_type == "mpnet" else encoder, width)
