"""A small task with a known answer: say the words of a sentence in reverse order."""

import random

import pytest

from seq2seq import recipes
from seq2seq.config import Config

WORDS = "ada bea cleo dora eva fay gus hal ida jo kim lea max nia ole pia".split()

RECIPE = """
data:
  source_language: src
  target_language: tgt
  train: {folder}/train.{{lang}}
  validation: {folder}/valid.{{lang}}
  test: {folder}/valid.{{lang}}
  max_length: 16
  source_row_length: 32
  target_row_length: 32
  cache: {folder}/cache
vocabulary: {{size: 60}}
model: {{encoder_layers: 1, decoder_layers: 1, width: 32, heads: 2, feed_forward_width: 64}}
training:
  steps: 6
  batch_tokens: 512
  learning_rate: 0.01
  warmup_steps: 2
  log_every: 2
  validate_every: 3
  checkpoint_every: 3
  validation_sentences: 8
  keep_latest: 9
decoding: {{beam_size: 2, max_extra_tokens: 4}}
"""


def write_pairs(folder, name, count, seed):
    generator = random.Random(seed)
    lines = [generator.choices(WORDS, k=generator.randint(1, 6)) for _ in range(count)]
    (folder / f"{name}.src").write_text("".join(" ".join(line) + "\n" for line in lines))
    (folder / f"{name}.tgt").write_text("".join(" ".join(line[::-1]) + "\n" for line in lines))


@pytest.fixture(scope="session")
def reversal(tmp_path_factory):
    """A folder with the task's data and its recipe."""
    folder = tmp_path_factory.mktemp("reversal")
    write_pairs(folder, "train", 3000, seed=0)
    write_pairs(folder, "valid", 40, seed=1)
    (folder / "reversal.yaml").write_text(RECIPE.format(folder=folder))
    return folder


@pytest.fixture
def config_of(reversal, tmp_path):
    """Makes a config of the task: `config_of("--training.steps=4")`, with a run of its own."""

    def make(*overrides: str, run: str = "run") -> Config:
        return recipes.load(reversal / "reversal.yaml", [f"--run={tmp_path / run}", *overrides])

    return make
