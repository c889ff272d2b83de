"""Every test runs on eight virtual CPU devices, with dtype and rank promotion as errors."""

import atexit
import io
import os
import random
import shutil
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pytest

os.environ["XLA_FLAGS"] = (
    "--xla_force_host_platform_device_count=8 "
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="seq2seq-tests-")
atexit.register(shutil.rmtree, os.environ["XDG_CACHE_HOME"], ignore_errors=True)

import jax  # noqa: E402

from seq2seq import recipes  # noqa: E402
from seq2seq.cli import main  # noqa: E402
from seq2seq.commands.console import use_compilation_cache  # noqa: E402
from seq2seq.config import Config  # noqa: E402
from seq2seq.translator import Translator  # noqa: E402

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

use_compilation_cache()  # many tests need the same programs: what one has compiled, the next reads

COMPILED = []
"""The names of all functions that JAX has compiled so far, or read from its cache."""


def _note_compiled(event: str, _: float, **about: str) -> None:
    if event == "/jax/core/compile/backend_compile_duration":
        COMPILED.append(about["fun_name"])


jax.monitoring.register_event_duration_secs_listener(_note_compiled)

MANY_REGIONS = 15_000
"""Of memory, a quarter of what Linux gives a process."""


@pytest.fixture(autouse=True, scope="module")
def _programs_are_let_go():
    """After a module, where there are many: each takes regions of memory, and JAX crashes without.

    Most are in use by programs that no test to come will run.
    """
    yield
    regions = Path("/proc/self/maps")
    if regions.exists() and len(regions.read_text().splitlines()) > MANY_REGIONS:
        jax.clear_caches()


# A small task with a known answer: say the words of a sentence in reverse order.
NAMES = "ada bea cleo dora eva fay gus hal ida jo kim lea max nia ole pia"

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
  compute_dtype: float32
  learning_rate: 0.01
  warmup_steps: 2
  log_every: 2
  validate_every: 3
  checkpoint_every: 3
  validation_sentences: 8
  keep_latest: 9
decoding: {{beam_size: 2, max_extra_tokens: 4}}
"""


LONGER = [
    "--training.steps=120",
    "--training.log_every=20",
    "--training.validate_every=60",
    "--training.checkpoint_every=60",
    "--training.warmup_steps=30",
    "--model.dropout=0",
]


def write_pairs(folder, name, count, seed):
    generator = random.Random(seed)
    lines = [generator.choices(NAMES.split(), k=generator.randint(1, 6)) for _ in range(count)]
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


@pytest.fixture(scope="session")
def trained(reversal, tmp_path_factory):
    """The task's run as the command line trains it, once: its folder, and what was printed."""
    path, out, err = tmp_path_factory.mktemp("trained") / "run", io.StringIO(), io.StringIO()
    words = ["train", "--config", str(reversal / "reversal.yaml"), f"--run={path}", *LONGER]
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main(words)
    lines = (out.getvalue().splitlines(), err.getvalue().splitlines())
    return SimpleNamespace(
        path=path, words=words, status=end.value.code, out=lines[0], err=lines[1]
    )


@pytest.fixture(scope="session")
def model(trained):
    """The translator of that run; what it has compiled for one test is there for all."""
    return Translator.load(trained.path)


@pytest.fixture
def shapes(model, monkeypatch):
    """The static shapes that the model's searches are asked for in a test, as a set.

    When it ends, no more searches have been compiled than there are shapes.
    """
    search, found, before = model._search._search, set(), len(COMPILED)

    def recorded(params, sources, decoding, shape, banned=None):
        sizes = jax.tree.map(jax.numpy.shape, (sources, banned))
        found.add((decoding, shape, str(sizes)))
        return search(params, sources, decoding, shape, banned)

    monkeypatch.setattr(model._search, "_search", recorded)
    yield found
    assert COMPILED[before:].count("jit(mapped)") <= len(found)


@pytest.fixture
def copied(trained, tmp_path):
    """A copy of the trained run, to be damaged."""
    return Path(shutil.copytree(trained.path, tmp_path / "copy"))


@pytest.fixture
def config_of(reversal, tmp_path):
    """Makes a config of the task: `config_of("--training.steps=4")`, with a run of its own."""

    def make(*overrides: str, run: str = "run") -> Config:
        return recipes.load(reversal / "reversal.yaml", [f"--run={tmp_path / run}", *overrides])

    return make


@pytest.fixture
def call(capsys):
    """Runs the command in this process: status, stdout, lines of stderr."""

    def run(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        return end.value.code, out, err.splitlines()

    return run


SLOWEST = (
    "test_guarantees.py",
    "test_accelerator.py",
    "test_hosts.py",
    "test_run.py",
    "test_ctranslate2.py",
    "test_loop.py",
)
"""Files that take minutes, though some hold few tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the slowest files first, so that no process works at one of them alone at the end."""
    items.sort(key=lambda item: item.path.name not in SLOWEST)
