"""What all commands need: how they speak, and compiled programs that are kept."""

import os
import sys

import jax

from seq2seq import parallel
from seq2seq.config import Config
from seq2seq.data.cache import cache_folder
from seq2seq.errors import UserError


def say(text: str) -> None:
    """Writes a line for people, to stderr; of several hosts, only the first one does."""
    if jax.process_index() == 0:
        print(text, file=sys.stderr, flush=True)  # noqa: T201


def show(text: str) -> None:
    """Writes a result, to stdout; of several hosts, only the first one does."""
    if jax.process_index() == 0:
        print(text, flush=True)  # noqa: T201


def use_compilation_cache() -> None:
    """Keeps compiled programs on disk, so that a second start compiles nothing.

    Where there can be no such folder, nothing is kept: a program runs just as well.
    """
    folder = cache_folder(Config().data) / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if not os.access(folder, os.W_OK):
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


def join_hosts() -> None:
    """Makes this process one of several that work together; see `parallel.join_hosts`.

    Raises:
        UserError: Nothing tells which processes there are, or they cannot be reached.
    """
    try:
        parallel.join_hosts()
    except (ValueError, RuntimeError) as error:
        wanted = "a cluster that JAX knows (SLURM, Kubernetes, TPU), or JAX_COORDINATOR_ADDRESS"
        found = str(error).partition("\n")[0]
        raise UserError(f"--distributed: expected {wanted}, found none ({found})") from error


def count(number: int, noun: str) -> str:
    """Returns `1 token`, `2,000 tokens`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def cut(place: str, tokens: int) -> str:
    """Returns the warning that the end of a line was left out."""
    return f"{place}: warning: too long: cut, the last {count(tokens, 'token')} left out"


def validated(metric: str, value: float | None) -> str:
    """Returns ` (validation BLEU 40.1)`; nothing where there is no figure."""
    name = {"bleu": "BLEU"}.get(metric, metric)
    return "" if value is None else f" (validation {name} {value:.4g})"
