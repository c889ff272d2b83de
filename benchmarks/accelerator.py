"""One table of what a GPU or TPU does with the paper's models, in under ten minutes.

    python benchmarks/accelerator.py                           # all that can be measured here
    python benchmarks/accelerator.py --multi30k DIR            # and a training to its BLEU
    python benchmarks/accelerator.py --only train,torch        # some parts
    python benchmarks/accelerator.py --trials                  # each choice against its opposite
    python benchmarks/accelerator.py --only profile            # where an update's time goes

Parts: `matmul`, the peak that shares refer to; `check`, fused attention against the plain path;
`train`, whole updates of 25 000 + 25 000 tokens in packed rows, lengths as in WMT; `torch`, the
same in PyTorch; `decode`, beam search; `multi30k`, from text to BLEU (DIR holds train, val and
test_2016_flickr as .en.gz and .de.gz). Each runs in a process of its own for a limited time, so
that what fails there costs its own line only. On a CPU, and with --small, all sizes are reduced.
docs/accelerators.md says how to read the table.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUDGETS = {"matmul": 40, "check": 40, "train": 150, "torch": 110, "decode": 80, "multi30k": 150}
"""Seconds that are kept for a part, in the order in which they run: together the 9.5 minutes. What
one does not need, those behind it may use."""
EXTRA = ("profile",)
"""Parts that run only when asked for."""


@dataclass(frozen=True)
class Trial:
    """A choice to try: keys to set in the config, or flags of XLA, for which processes differ."""

    name: str
    settings: tuple[str, ...] = ()
    flags: str = ""

    @classmethod
    def of(cls, text: str) -> "Trial":
        """A trial by its only setting or flag."""
        return cls(text, flags=text) if text.startswith("--") else cls(text, (text,))


TRIALS = (
    Trial("defaults"),
    Trial.of("training.random=threefry"),
    Trial.of("model.fused_attention=false"),
    Trial.of("model.unrolled_layers=true"),
    Trial.of("training.logits_dtype=compute"),
    Trial.of("training.loss_chunk=1024"),
    Trial.of("training.loss_chunk=25000"),
    Trial.of("training.remat=true"),
    Trial.of("--xla_gpu_enable_triton_gemm=false"),
    Trial.of("--xla_gpu_triton_gemm_any=true"),
    Trial.of("--xla_gpu_dot_merger_threshold_mb=256"),
    Trial.of("--xla_gpu_enable_command_buffer="),
    Trial("defaults again"),
)
"""Each is measured as base, rows of 128, and compared with the first; the last shows the noise."""


class Table:
    """The lines so far, on stdout as soon as they are there, and as JSON."""

    def __init__(self, target: Path | None) -> None:
        self._target, self._machine, self._headed = target, "", False
        self._dtype = "bfloat16"
        self.rows: list[dict[str, Any]] = []

    def machine(self, text: str, dtype: str) -> None:
        """Writes the heading, once it is known what is measured, and in what training computes."""
        if not self._headed:
            heading = f"{'part':9}{'what':40}{'figure':>26}{'of peak':>9}  note"
            print(f"{text}\n{heading}".lstrip(), flush=True)
        self._machine, self._dtype, self._headed = text, dtype, True

    def add(self, part: str, row: dict[str, Any]) -> None:
        """Adds a line: a row as `accelerator_parts.Row` has it, or one with a `failure`."""
        self.rows.append({"part": part, **row})
        if not self._headed:
            self.machine("", self._dtype)
        if "failure" in row:
            print(f"{part:9}{row.get('what', ''):40}{row['failure']}", flush=True)
        else:
            value = row["value"]
            shown = f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
            share = "" if row["share"] is None else f"{row['share']:.1%}"
            figure = f"{shown} {row['unit']}"
            line = f"{part:9}{row['what']:40}{figure:>26}{share:>9}  {row['note']}"
            print(line.rstrip(), flush=True)
        if self._target is not None:
            found = {"machine": self._machine, "rows": self.rows}
            self._target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")

    def value(self, part: str, what: str) -> float | None:
        """The figure of a line, if it is there."""
        found = (r for r in self.rows if (r["part"], r.get("what")) == (part, what))
        return next((row["value"] for row in found if "value" in row), None)

    def peak(self) -> float | None:
        """FLOP/s of products in the type in which training computes here."""
        found = self.value("matmul", self._dtype)
        return found and found * 1e12


@dataclass
class Runner:
    """Runs parts as processes, within the time that is left."""

    arguments: argparse.Namespace
    table: Table
    logs: Path
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + 60 * self.arguments.minutes

    def seconds(self, later: Sequence[str] = ()) -> float:
        """Seconds that are left, without those kept for the parts that come later."""
        left_out = () if self.arguments.multi30k else ("multi30k",)
        kept = sum(BUDGETS.get(name, 0) for name in later if name not in left_out)
        return self.deadline - time.monotonic() - kept

    def part(
        self, name: str, seconds: float, extra: Sequence[str] = (), flags: str = ""
    ) -> Iterator[dict]:
        """Yields a part's rows; the last one tells of a failure, if there was one."""
        if seconds < 5:
            yield {"failure": "left out: no time left"}
            return
        words = [sys.executable, __file__, f"--part={name}", f"--limit={seconds}", *extra]
        words += [f"--seconds={self.arguments.seconds}"] + ["--small"] * self.arguments.small
        words += [f"--multi30k={self.arguments.multi30k}"] * bool(self.arguments.multi30k)
        words += [f"--peak={peak}"] if (peak := self.table.peak()) else []
        words += [f"--case={case}" for case in self.arguments.case]
        words += [f"--set={setting}" for setting in self.arguments.set]
        print(f"{name}: at most {seconds:.0f} s", file=sys.stderr, flush=True)
        yield from _rows(words, _environment(name, flags), seconds, self.logs / f"{name}.log")

    def run(self, name: str, later: Sequence[str]) -> None:
        """Adds a part's rows to the table; `later` are the parts behind it."""
        for row in self.part(name, self.seconds(later)):
            if "machine" in row:
                self.table.machine(row["machine"], row["dtype"])
                continue
            ours = self.table.value("train", row.get("what", "")) if name == "torch" else None
            if ours and "value" in row:
                row["note"] = f"ours: {ours / row['value']:.2f}x"
            self.table.add(name, row)

    def trial(self, trial: Trial) -> None:
        """Adds a trial's row, with its ratio to the first."""
        settings = [f"--set={setting}" for setting in trial.settings]
        case = [] if self.arguments.small or self.arguments.case else ["--case=base:128"]
        seconds = min(BUDGETS["train"], self.seconds())
        for row in self.part("train", seconds, settings + case, trial.flags):
            if "machine" in row:
                self.table.machine(row["machine"], row["dtype"])
                continue
            first = self.table.value("trial", TRIALS[0].name)
            if first and "value" in row:
                row["note"] = f"{row['value'] / first:.3f}x; {row['note']}"
            self.table.add("trial", {**row, "what": trial.name})


def main() -> None:
    """Runs the parts, or one of them inside a process of its own."""
    sys.path.insert(0, str(ROOT))  # the parts find it in their environment
    import accelerator_arguments

    trials = [trial.name for trial in TRIALS]
    arguments = accelerator_arguments.parse(str(__doc__), (*BUDGETS, *EXTRA), trials)
    if arguments.part:
        _child(arguments)
        return
    with contextlib.ExitStack() as stack:
        logs = arguments.logs or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        logs.mkdir(parents=True, exist_ok=True)
        runner = Runner(arguments, Table(arguments.json), logs)
        try:
            if arguments.trials is None:
                names = arguments.only or list(BUDGETS)
                for place, name in enumerate(names, start=1):
                    runner.run(name, names[place:])
            else:
                for trial in TRIALS:
                    if trial is TRIALS[0] or arguments.trials in trial.name:
                        runner.trial(trial)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            sys.exit(130)
        failed = [row for row in runner.table.rows if row.get("failure", "").startswith("failed")]
        sys.exit(1 if failed else 0)


def _environment(name: str, flags: str) -> dict[str, str]:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    if flags:
        found["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
    if name == "torch":  # only packs batches with JAX, and the memory is PyTorch's
        found["JAX_PLATFORMS"] = "cpu"
    return found


def _rows(
    words: Sequence[str], environment: dict[str, str], seconds: float, log: Path
) -> Iterator[dict[str, Any]]:
    """Yields what a process prints; ends it, with all that it started, when its time is up."""
    late = threading.Event()
    options: dict[str, Any] = {"text": True, "env": environment, "start_new_session": True}
    with (
        log.open("w+", encoding="utf-8") as errors,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, **options) as process,
    ):

        def end() -> None:
            late.set()
            _kill(process)

        timer = threading.Timer(seconds, end)
        timer.start()
        try:
            for line in process.stdout or ():
                with contextlib.suppress(json.JSONDecodeError):
                    yield json.loads(line)
            process.wait()
        finally:
            timer.cancel()
            _kill(process)
        if late.is_set():
            yield {"failure": f"stopped after {seconds:.0f} s"}
        elif process.returncode:
            errors.seek(0)
            last = [line.strip() for line in errors if line.strip()][-1:]
            yield {"failure": f"failed: {''.join(last) or f'status {process.returncode}'}"[:200]}


def _kill(process: subprocess.Popen) -> None:
    """Ends a process and its children, which form a group of their own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _child(arguments: argparse.Namespace) -> None:
    """Prints a part's rows, each as a line of JSON."""
    from dataclasses import asdict

    def show(found: dict[str, Any]) -> None:
        print(json.dumps(found), flush=True)

    if arguments.part == "multi30k":
        from accelerator_multi30k import multi30k

        show(multi30k(arguments.multi30k, arguments.small, arguments.limit))
        return
    from seq2seq.allocator import keep_freed_memory

    keep_freed_memory()  # before anything has started a thread, as `train` does
    import accelerator_parts as parts
    import jax

    from seq2seq.config import DataConfig
    from seq2seq.data.cache import cache_folder

    # As every command does; on a GPU this also keeps which kernels were the fastest.
    jax.config.update("jax_compilation_cache_dir", str(cache_folder(DataConfig()) / "compiled"))
    cases = [case.partition(":") for case in arguments.case]
    settings = [setting.partition("=") for setting in arguments.set]
    plan = parts.Plan(
        small=arguments.small or (jax.default_backend() == "cpu" and arguments.part != "torch"),
        seconds=arguments.seconds,
        peak=arguments.peak,
        cases=tuple((size, int(length)) for size, _, length in cases),
        settings=tuple((key, value) for key, _, value in settings),
    )
    if arguments.part != "torch":
        show({"machine": parts.machine(), "dtype": str(plan.dtype)})
    try:
        for what, measure in parts.PARTS[arguments.part](plan):
            try:
                show({"what": what, **asdict(measure())})
            except Exception as error:  # one line's failure costs no other
                show({"what": what, "failure": _brief(error)})
    except parts.SkippedError as reason:
        show({"failure": f"left out: {reason}"})


def _brief(error: Exception) -> str:
    return f"failed: {type(error).__name__}: {' '.join(str(error).split())[:160]}"


if __name__ == "__main__":
    main()
