"""The paper's model in PyTorch as one writes it for speed on a GPU: what ours is compared with.

bfloat16 by autocast, `torch.compile`, fused attention (`scaled_dot_product_attention`), fused Adam.
It has the lighter task: it reads the same rows and predicts the same tokens, but attends over whole
rows, causally in the decoder, where ours keeps packed sentences apart; so its attention needs no
mask and may take its fastest kernel.
"""

import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from seq2seq.config import ModelConfig, TrainingConfig
from seq2seq.model.layers import sinusoids
from seq2seq.types import Batch


class Attention(nn.Module):
    """Attention in all heads; self-attention projects queries, keys and values in one product."""

    def __init__(self, model: ModelConfig, across: bool) -> None:
        super().__init__()
        self.heads, width = model.heads, model.width
        self.query = nn.Linear(width, width, bias=False) if across else None
        self.inputs = nn.Linear(width, (2 if across else 3) * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(self, x: torch.Tensor, memory: torch.Tensor, causal: bool) -> torch.Tensor:
        """Lets `x` look at `memory`."""
        if self.query is None:
            parts = self.inputs(x).chunk(3, -1)
        else:
            parts = (self.query(x), *self.inputs(memory).chunk(2, -1))
        heads = [part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts]
        seen = functional.scaled_dot_product_attention(*heads, is_causal=causal)
        return self.output(seen.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """Post-norm sub-layers: self-attention, cross-attention in the decoder, feed-forward."""

    def __init__(self, model: ModelConfig, decodes: bool) -> None:
        super().__init__()
        width, inner = model.width, model.feed_forward_width
        self.decodes = decodes
        self.attention = Attention(model, across=False)
        self.cross = Attention(model, across=True) if decodes else None
        feed_forward = (nn.Linear(width, inner), nn.ReLU(), nn.Linear(inner, width))
        self.feed_forward = nn.Sequential(*feed_forward)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3 if decodes else 2))
        self.dropout = nn.Dropout(model.dropout)

    def forward(self, x: torch.Tensor, memory: torch.Tensor | None = None) -> torch.Tensor:
        """One layer."""
        first, *middle, last = self.norms
        x = first(x + self.dropout(self.attention(x, x, self.decodes)))
        if self.cross is not None:
            x = middle[0](x + self.dropout(self.cross(x, memory, False)))
        return last(x + self.dropout(self.feed_forward(x)))


class Transformer(nn.Module):
    """The whole model with shared embeddings, up to its loss."""

    def __init__(self, model: ModelConfig, vocabulary: int, length: int, smoothing: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, model.width)
        nn.init.normal_(self.embedding.weight, std=model.width**-0.5)
        self.register_buffer("places", torch.from_numpy(sinusoids(length, model.width)))
        self.encoder = nn.ModuleList(Layer(model, False) for _ in range(model.encoder_layers))
        self.decoder = nn.ModuleList(Layer(model, True) for _ in range(model.decoder_layers))
        self.dropout = nn.Dropout(model.dropout)
        self.scale, self.smoothing = model.width**0.5, smoothing

    def forward(
        self, source: torch.Tensor, target: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor:
        """The label-smoothed loss; labels of -100 count nothing."""
        memory, x = (
            self.dropout(self.embedding(tokens) * self.scale + self.places)
            for tokens in (source, target)
        )
        for layer in self.encoder:
            memory = layer(memory)
        for layer in self.decoder:
            x = layer(x, memory)
        logits = functional.linear(x, self.embedding.weight)
        return functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), label_smoothing=self.smoothing
        )


class Updates:
    """Whole updates of PyTorch's."""

    def __init__(
        self, model: ModelConfig, training: TrainingConfig, vocabulary: int, length: int
    ) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network = Transformer(model, vocabulary, length, training.label_smoothing)
        network = network.to(self.device).train()
        self._network = torch.compile(network) if self.device.type == "cuda" else network
        betas = (training.beta1, training.beta2)
        self._adam = torch.optim.Adam(
            network.parameters(), lr=1e-4, betas=betas, eps=training.epsilon, fused=True
        )

    def place(self, batch: Batch) -> tuple[torch.Tensor, ...]:
        """The arrays that an update reads, on the device."""
        labels = np.where(batch.target_segments > 0, batch.target_outputs, -100)
        arrays = (batch.source, batch.target_inputs, labels)
        return tuple(torch.from_numpy(array).long().to(self.device) for array in arrays)

    def __call__(self, placed: tuple[torch.Tensor, ...]) -> None:
        """Does an update, without waiting for it."""
        self._adam.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, torch.bfloat16, self.device.type == "cuda"):
            loss = self._network(*placed)
        loss.backward()
        self._adam.step()

    def wait(self) -> None:
        """Waits for all updates so far."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def speed(updates: Updates, batches: list[Batch], seconds: float) -> tuple[float, float]:
    """Real source and target tokens a second, and seconds of an update, with placed batches."""
    placed = [updates.place(batch) for batch in batches]
    real = [
        int(sum((s > 0).sum() for s in (b.source_segments, b.target_segments))) for b in batches
    ]
    for arrays in placed[:3]:
        updates(arrays)
    updates.wait()
    begin, count, tokens = time.perf_counter(), 0, 0
    while count < 2 or time.perf_counter() - begin < seconds:
        updates(placed[count % len(placed)])
        tokens += real[count % len(placed)]
        count += 1
        if count % 10 == 0:
            updates.wait()
    updates.wait()
    elapsed = time.perf_counter() - begin
    return tokens / elapsed, elapsed / count
