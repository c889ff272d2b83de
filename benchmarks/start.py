"""How long `seq2seq translate RUN` takes to its first line, and where the time goes.

    python benchmarks/start.py runs/demo

A start is a process of its own that answers one line from a pipe; the first one, which may have to
compile, is not counted. Then as many processes take the same way stage by stage, with a clock.
"""

import argparse
import json
import subprocess
import sys
import time
from statistics import median

LINE = "The tired animal sat by the river bank."

STAGES = """
import json, sys, time
stamps = [("starting Python", time.time())]
def stage(name):
    stamps.append((name, time.time()))
import jax
stage("importing JAX")
from seq2seq.commands import translate
from seq2seq.commands.console import use_compilation_cache
stage("importing all else")
seconds, programs = {}, {}
def heard(name, duration, **_):
    name = name.rpartition("/")[2]
    seconds[name] = seconds.get(name, 0) + duration
    programs[name] = programs.get(name, 0) + 1
jax.monitoring.register_event_duration_secs_listener(heard)
translate.parallel.cores_as_devices()
use_compilation_cache()
jax.devices()
stage("finding devices")
translator = translate.RerankingTranslator.load(sys.argv[1])
stage("reading the run")
translate.translate_lines(translator, [sys.argv[2]], decoding=translator.config.decoding)
stage("translating the line")
translate.translate_lines(translator, [sys.argv[2]], decoding=translator.config.decoding)
stage("translating it again")
parts = {"seconds": seconds, "programs": programs}
print(json.dumps({"began": float(sys.argv[3]), "stamps": stamps, **parts}))
"""

EVENTS = {
    "jaxpr_trace_duration": "tracing",
    "jaxpr_to_mlir_module_duration": "lowering",
    "backend_compile_duration": "compiling, or reading what is kept",
    "cache_retrieval_time_sec": "of which reading",
}


def main() -> None:
    """Prints the time of whole starts and the median of each stage, in seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("run", help="a run directory")
    parser.add_argument("--starts", type=int, default=7)
    arguments = parser.parse_args()
    started(arguments.run)
    whole = sorted(started(arguments.run) for _ in range(arguments.starts))
    sys.stdout.write(
        f"to the first line: {median(whole):.2f} s ({whole[0]:.2f} to {whole[-1]:.2f}, "
        f"{len(whole)} starts)\n"
    )
    for name, seconds in stages([staged(arguments.run) for _ in range(arguments.starts)]):
        sys.stdout.write(f"  {name:44} {seconds:6.3f}\n")


def started(run: str) -> float:
    """Seconds from the start of the command to its first line, which waits for no second one."""
    began = time.time()
    command = [sys.executable, "-m", "seq2seq", "translate", run]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{LINE}\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        seconds = time.time() - began
        _, said = process.communicate()
    if not answer.strip() or process.returncode:
        raise RuntimeError(f"{' '.join(command)}: no translation: {said}")
    return seconds


def staged(run: str) -> list[tuple[str, float]]:
    """Seconds of each stage of one start, and what the programs take of them."""
    words = [sys.executable, "-c", STAGES, run, LINE, str(time.time())]
    output = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(output.splitlines()[-1])
    rows, before = [], found["began"]
    for name, now in found["stamps"]:
        rows.append((name, now - before))
        before = now
    for event, name in EVENTS.items():
        if event in found["seconds"]:
            rows.append((f"{name} ({found['programs'][event]}x)", found["seconds"][event]))
    return rows


def stages(every: list[list[tuple[str, float]]]) -> list[tuple[str, float]]:
    """The median of each row."""
    return [
        (rows[0][0], median(seconds for _, seconds in rows)) for rows in zip(*every, strict=True)
    ]


if __name__ == "__main__":
    main()
