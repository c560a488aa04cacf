"""BatchTopK: of a batch's codes the largest stay, k a row on average; later a threshold stands in for the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.models.dictionaries.engine import Autoencoder, Codes, Parameters, Rows


@dataclass(frozen=True)
class BatchTopK(Autoencoder):
    """`active`: how many codes of a row stay on average, whole or not (Bussmann et al. 2024, arXiv:2412.06410)."""

    active: float = 1.0

    def activate(self, p: Parameters, before: Codes) -> Codes:
        codes = torch.relu(before)
        return codes * (codes >= self.smallest_kept(codes)[:, None, None])

    def smallest_kept(self, codes: Codes) -> Tensor:
        """Of each model, the smallest code that stays in this batch."""
        kept = min(max(round(self.active * codes.shape[1]), 1), codes[0].numel())
        return codes.flatten(1).topk(kept, dim=1, sorted=False).values.amin(1)

    def encode(self, p: Parameters, values: Rows) -> Codes:
        if "threshold" not in p:  # still in training
            return super().encode(p, values)
        codes = torch.relu(self.before(p, values))
        return codes * (codes > p["threshold"])

    def finish(self, p: Parameters, batches: Sequence[Rows]) -> Parameters:
        """The threshold is the mean over batches of the smallest code that stayed (equation 5 of the paper)."""
        smallest = [self.smallest_kept(torch.relu(self.before(p, rows))) for rows in batches]
        return p | {"threshold": torch.stack(smallest).mean(0)[:, None, None]}
