"""What the words of a command line name: recipes, runs, files; looked at before JAX is imported."""

from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.errors import UserError, nearest

if TYPE_CHECKING:
    from seq2seq.config import Config, DecodingConfig
    from seq2seq.run_directory import RunDirectory


def shipped(path: Path) -> Path:
    """The path as it is; where there is nothing, what has that name in our own `configs/`."""
    own = Path(str(resources.files("seq2seq"))) / path
    return own if path.parts[:1] == ("configs",) and own.exists() and not path.exists() else path


def recipe(path: Path, overrides: Sequence[str]) -> "Config":
    """Loads a recipe, one of ours where nothing is at `configs/...`; or names the nearest one."""
    from seq2seq import recipes

    path = shipped(path)
    if not path.exists():
        others = [*path.parent.glob("*.y*ml"), *shipped(Path("configs")).rglob("*.y*ml")]
        by_stem = {other.stem: str(other) for other in others}
        hint = nearest(str(path), map(str, others)) or nearest(path.stem, by_stem)
        for stem, whole in by_stem.items():
            hint = hint.replace(f"'{stem}'", f"'{whole}'")
        raise UserError(f"{path}: expected a recipe, found nothing{hint}")
    return recipes.load(path, overrides)


def opened(path: Path) -> "RunDirectory":
    """Opens a run."""
    from seq2seq.run_directory import RunDirectory

    return RunDirectory.open(path)


def trained(path: Path, checkpoint: str | int, option: str = "--checkpoint") -> "RunDirectory":
    """Opens a run that has the checkpoint that is asked for, by the option of that name."""
    run = opened(path)
    steps = run.steps()
    if not steps:
        raise UserError(f"{path}: expected a trained run, found no checkpoint yet: train it first")
    if checkpoint == "averaged" and not run.averaged.steps():
        hint = f"make one with seq2seq average {path} --last 5"
        raise UserError(f"{path}: expected an average of checkpoints, found none: {hint}")
    if isinstance(checkpoint, int) and checkpoint not in steps:
        choices = ", ".join(map(str, steps))
        raise UserError(
            f"{option}: expected best, latest, averaged or one of {choices}, found {checkpoint}"
        )
    return run


def decoding(run: "RunDirectory", overrides: Sequence[str]) -> "DecodingConfig":
    """The run's search, with what the command line changes of it."""
    for word in overrides:
        key = word.partition("=")[0]
        if word.startswith("--") and not word.startswith("--decoding."):
            raise UserError(f"{key}: expected a key of decoding, as the run is trained already")
    from seq2seq.config.checks import decoder_layer

    decoding, model = recipe(run.path / "config.yaml", overrides).decoding, run.config.model
    if decoding.alignment_layer is not None:
        decoder_layer("decoding.alignment_layer", decoding.alignment_layer, model.decoder_layers)
    return decoding


def check_companions(
    files: Sequence[Path], beside: Mapping[str, Path], decoding: "DecodingConfig"
) -> None:
    """Raises unless what is translated, and the files of options beside it, can be read."""
    from seq2seq import text_io

    for file in files:
        text_io.check_input(file)
    for name, path in beside.items():
        try:
            text_io.check_input(path)
        except UserError as error:
            raise UserError(f"--{name}: {error}") from None
    taken = "what is translated" if text_io.STDIN in files else None
    for name, path in beside.items():
        if path == text_io.STDIN and taken:
            raise UserError(f"--{name}: expected a file, as stdin is {taken}, found -")
        taken = f"--{name}" if path == text_io.STDIN else taken
    if "force" in beside and decoding.draws:
        found = "decoding.mbr" if decoding.mbr else "decoding.sampling"
        raise UserError(f"--force: expected a beam search, found {found}")


def refuse_keys(overrides: Sequence[str]) -> None:
    """Raises where keys of a recipe are set for a command that has no use for any."""
    if overrides:
        key = overrides[0].partition("=")[0]
        raise UserError(f"{key}: expected no key of a recipe, as the run is trained already")


def check_output(path: Path | None, sources: Iterable[Path | None] = ()) -> None:
    """Raises unless a file can be written there that is none of the sources."""
    from seq2seq import text_io

    text_io.check_output(path)
    for source in filter(None, sources):
        if path and path.is_file() and source.exists() and path.samefile(source):
            raise UserError(f"--output: expected a file of its own, found the input {path}")


def check_resumable(files: Sequence[Path | None], output: Path | None) -> None:
    """Raises unless a translation of the files into the output can go on after an interruption."""
    from seq2seq import text_io

    if output is None or (output.exists() and not output.is_file()):
        found = "none" if output is None else f"the device {output}"
        raise UserError(f"--resume: expected --output FILE beside it, found {found}")
    for file in filter(None, files):
        if not file.is_file():
            what = "stdin" if file == text_io.STDIN else "a pipe"
            raise UserError(
                f"--resume: expected files, as {what} cannot be read again, found {file}"
            )
