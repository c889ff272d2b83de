"""Training speed beside `torch.nn.Transformer`: the same sizes, batch and tokens, in one process.

    pip install -e '.[bench]'
    python benchmarks/train_step.py small        # 4+4 layers, 128/512, 4 heads, V = 8 000
    python benchmarks/train_step.py base         # 6+6 layers, 512/2 048, 8 heads, V = 37 000
    python benchmarks/train_step.py small --dtypes float32 auto  # ours as `train` computes, too

Both do the whole update on all cores in float32: embeddings, dropout, label-smoothed loss, gradient
and Adam. Rounds of all sides alternate, so that they see the same machine; the ratio is taken round
by round. PyTorch has the lighter task: a causal mask is all it applies, where ours keeps packed
sentences apart.
"""

import argparse
import os
import time
from collections.abc import Callable
from statistics import median

import jax
import torch
from torch import nn
from workload import SIZES, Updates, full_rows

from seq2seq import parallel
from seq2seq.allocator import keep_freed_memory
from seq2seq.config import Config, ModelConfig
from seq2seq.model import functional
from seq2seq.model.layers import sinusoids
from seq2seq.types import Batch

PEER = "torch, float32"


def main() -> None:
    """Prints the median tokens per second of each side, and its ratio to PyTorch's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", choices=("small", "base"))
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--length", type=int, default=64, help="tokens of a row, on either side")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=6.0, help="length of a round")
    text = "types in which ours computes: float32, bfloat16, auto"
    parser.add_argument("--dtypes", nargs="+", default=["float32"], help=text)
    arguments = parser.parse_args()
    keep_freed_memory()
    vocabulary, model = SIZES[arguments.size]
    batch = full_rows(arguments.rows, arguments.length, vocabulary)
    tokens = int((batch.source_segments > 0).sum() + (batch.target_segments > 0).sum())
    sides = {
        f"ours, {kind}": jax_update(model, vocabulary, batch, kind) for kind in arguments.dtypes
    }
    sides[PEER] = torch_update(model, vocabulary, batch)
    for update in (*sides.values(), *sides.values()):  # each changes where the others' memory lies
        rate(update, tokens, arguments.seconds / 2)
    print(f"{arguments.size}: {arguments.rows} rows of {arguments.length}, {os.cpu_count()} cores")
    print(f"jax {jax.__version__}, torch {torch.__version__}; source + target tokens/s")
    speeds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(arguments.rounds):
        for name, update in sides.items():
            speeds[name].append(rate(update, tokens, arguments.seconds))
    for name, found in speeds.items():
        ratios = [ours / theirs for ours, theirs in zip(found, speeds[PEER], strict=True)]
        print(
            f"{name:16} {median(found):8,.0f}   {median(ratios):.2f}x {PEER}"
            f" ({min(ratios):.2f} to {max(ratios):.2f})"
        )


def rate(update: Callable[[], None], tokens: int, seconds: float) -> float:
    """Tokens per second of an update, repeated for some seconds."""
    begin, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - begin) < seconds or count < 2:
        update()
        count += 1
    return count * tokens / elapsed


def jax_update(model: ModelConfig, vocabulary: int, batch: Batch, kind: str) -> Callable[[], None]:
    """One update of ours, computed in a type that `training.compute_dtype` knows."""
    updates = Updates(Config(model=model), vocabulary, functional.compute_dtype(kind))
    placed = parallel.place(batch)
    return lambda: jax.block_until_ready(updates(placed)) and None


class TorchTransformer(nn.Module):
    """The same model from PyTorch's own parts, with shared embeddings."""

    def __init__(self, model: ModelConfig, vocabulary: int, length: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, model.width)
        nn.init.normal_(self.embedding.weight, std=model.width**-0.5)
        self.register_buffer("places", torch.from_numpy(sinusoids(length, model.width)))
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(length))
        self.dropout = nn.Dropout(model.dropout)
        self.scale = model.width**0.5
        self.transformer = nn.Transformer(
            model.width,
            model.heads,
            model.encoder_layers,
            model.decoder_layers,
            model.feed_forward_width,
            model.dropout,
            batch_first=True,
        )

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Logits of every target position."""
        source, target = (
            self.dropout(self.embedding(tokens) * self.scale + self.places)
            for tokens in (source, target)
        )
        states = self.transformer(source, target, tgt_mask=self.mask, tgt_is_causal=True)
        return states @ self.embedding.weight.T


def torch_update(model: ModelConfig, vocabulary: int, batch: Batch) -> Callable[[], None]:
    """One update of PyTorch's."""
    torch.set_num_threads(os.cpu_count() or 1)
    network = TorchTransformer(model, vocabulary, batch.source.shape[1]).train()
    adam = torch.optim.Adam(network.parameters(), lr=1e-4, betas=(0.9, 0.98), eps=1e-9, fused=True)
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    source, inputs, outputs = (
        torch.from_numpy(array).long()
        for array in (batch.source, batch.target_inputs, batch.target_outputs)
    )

    def update() -> None:
        adam.zero_grad(set_to_none=True)
        logits = network(source, inputs)
        loss(logits.view(-1, vocabulary), outputs.view(-1)).backward()
        adam.step()

    return update


if __name__ == "__main__":
    main()
