"""Checkpoints: bit for bit, onto any devices, and what happens when files are not as written."""

import math
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from seq2seq.checkpoints import Checkpoints, storage_errors
from seq2seq.errors import UserError


def on_devices(count: int) -> NamedSharding:
    return NamedSharding(Mesh(np.array(jax.devices()[:count]), ("data",)), PartitionSpec())


def make_state(devices: int = 1) -> dict[str, Any]:
    """A training state with the containers that optax uses, and awkward numbers."""
    key = jax.random.key(7)
    params = {"layer": {"w": jax.random.normal(key, (60, 70))}, "b": jnp.array([jnp.nan, -0.0])}
    optimiser = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.adam(optax.schedules.constant_schedule(0.1)),
    )
    state = {
        "params": params,
        "opt_state": optimiser.init(params),
        "step": jnp.int32(5),
        "key": jax.random.key_data(key),
        "best": {"bleu": jnp.float32(-jnp.inf)},
    }
    return jax.device_put(state, on_devices(devices))


def abstract(tree: Any, devices: int = 1) -> Any:
    sharding = on_devices(devices)
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), tree)


def assert_same_bits(tree: Any, expected: Any) -> None:
    assert jax.tree.structure(tree) == jax.tree.structure(expected)
    for leaf, wanted in zip(jax.tree.leaves(tree), jax.tree.leaves(expected), strict=True):
        assert leaf.dtype == wanted.dtype
        assert np.asarray(leaf).tobytes() == np.asarray(wanted).tobytes()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Checkpoints]]:
    made = []

    def build(latest: int = 2, best: int = 1, metric: str = "bleu", mode: Any = "max") -> Any:
        made.append(Checkpoints(tmp_path / "checkpoints", latest, best, metric, mode))
        return made[-1]

    yield build
    for checkpoints in made:
        checkpoints.close()


def save(checkpoints: Checkpoints, step: int, bleu: float | None = None) -> None:
    tree = {"w": jnp.full((3,), step, jnp.float32)}
    checkpoints.save(step, {"params": tree}, None if bleu is None else {"bleu": bleu})


def restored_step(checkpoints: Checkpoints, which: Any) -> int:
    """The step, both as it is returned and as it stands in the array."""
    wanted = {"params": {"w": jax.ShapeDtypeStruct((3,), jnp.float32)}}
    step, items = checkpoints.restore(wanted, which)
    assert items["params"]["w"].tolist() == [step] * 3
    return step


@pytest.mark.parametrize(("before", "after"), [(1, 1), (8, 8), (8, 1), (1, 8), (8, 3)])
def test_round_trip_is_exact_onto_any_devices(make: Any, before: int, after: int) -> None:
    state = make_state(before)
    checkpoints = make()
    checkpoints.save(3, {"state": state})
    checkpoints.close()
    step, found = make().restore({"state": abstract(state, after)}, "latest")
    assert step == 3
    assert_same_bits(found["state"], state)
    assert len(found["state"]["params"]["b"].devices()) == after


def test_without_a_sharding_arrays_go_to_the_first_device(make: Any) -> None:
    checkpoints = make()
    checkpoints.save(1, {"params": {"w": jax.device_put(jnp.ones(8), on_devices(8))}})
    checkpoints.wait()
    wanted = {"params": {"w": jax.ShapeDtypeStruct((8,), jnp.float32)}}
    _, found = checkpoints.restore(wanted, "latest")
    assert found["params"]["w"].devices() == {jax.devices()[0]}


def test_arrays_may_be_donated_right_after_save(make: Any) -> None:
    checkpoints = make()
    state = jax.device_put({str(i): jnp.ones((300, 300)) for i in range(4)}, on_devices(2))
    wanted = abstract(state, 2)
    double = jax.jit(lambda tree: jax.tree.map(lambda x: 2 * x, tree), donate_argnums=0)
    for step in range(3):
        checkpoints.save(step, {"state": state})
        for _ in range(3):
            state = double(state)
    checkpoints.wait()
    for step in (1, 2):
        _, found = checkpoints.restore({"state": wanted}, step)
        assert all((leaf == 8.0**step).all() for leaf in jax.tree.leaves(found))


def test_latest_and_best_are_kept(make: Any) -> None:
    checkpoints = make(latest=2, best=2)
    for step, bleu in enumerate([30.0, 10.0, math.nan, 30.0, None, 20.0, None, 5.0], start=1):
        save(checkpoints, step, bleu)
    checkpoints.wait()
    assert checkpoints.steps() == [1, 4, 7, 8]
    assert checkpoints.best_step() == 4
    assert make().best_step() == 4
    assert restored_step(make(), "best") == 4
    assert restored_step(make(), "latest") == 8
    assert restored_step(make(), 7) == 7


def test_smaller_is_better_for_a_loss(make: Any) -> None:
    checkpoints = make(metric="loss", mode="min")
    for step, loss in enumerate([3.0, 1.0, math.nan, 2.0], start=1):
        checkpoints.save(step, {"params": {"w": jnp.ones(3)}}, {"loss": loss, "bleu": step})
    checkpoints.wait()
    assert checkpoints.steps() == [2, 3, 4]
    assert checkpoints.best_step() == 2


def test_best_is_the_latest_where_nothing_was_measured(make: Any) -> None:
    checkpoints = make()
    save(checkpoints, 1)
    save(checkpoints, 2)
    checkpoints.wait()
    assert checkpoints.best_step() is None
    assert restored_step(checkpoints, "best") == 2


def test_saving_a_step_again_keeps_the_new_metrics(make: Any) -> None:
    checkpoints = make()
    save(checkpoints, 4)
    save(checkpoints, 4)
    save(checkpoints, 4, bleu=1.0)
    checkpoints.wait()
    assert (checkpoints.steps(), checkpoints.best_step()) == ([4], 4)


def test_what_cannot_be_restored(make: Any) -> None:
    with pytest.raises(UserError, match="no checkpoint has been saved yet"):
        restored_step(make(), "latest")
    checkpoints = make()
    save(checkpoints, 2)
    checkpoints.wait()
    for which in (3, "newest"):
        with pytest.raises(UserError, match=rf"expected a step of \[2\], found {which}"):
            restored_step(checkpoints, which)


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ({"w": (3, 2)}, r"params\.w is \(3,\) in the checkpoint, \(3, 2\) in the model"),
        ({"w": (3,), "z": (1,)}, r"params\.z is missing in the checkpoint, \(1,\) in the model"),
        ({"v": (3,)}, r"params\.v is missing in the checkpoint, \(3,\) in the model"),
        ({}, r"params\.w is \(3,\) in the checkpoint, missing in the model"),
    ],
)
def test_another_shape_names_the_first_difference(make: Any, wanted: Any, text: str) -> None:
    checkpoints = make()
    save(checkpoints, 1)
    checkpoints.wait()
    tree = {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in wanted.items()}
    with pytest.raises(UserError, match=f"checkpoints/1: checkpoint of another shape: {text}"):
        checkpoints.restore({"params": tree}, "latest")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, Path.unlink])
def test_damage_to_any_file_falls_back(
    make: Any, damage: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoints = make()
    save(checkpoints, 1)
    save(checkpoints, 2)
    checkpoints.wait()
    item = checkpoints.path / "2" / "params"
    intact = item.rename(checkpoints.path.parent / "intact")
    names = [path.relative_to(intact) for path in intact.rglob("*") if path.stat().st_size > 1]
    names = [name for name in names if (intact / name).is_file()]
    assert len(names) > 5
    for name in names:
        shutil.copytree(intact, item)
        damage(item / name)
        step = restored_step(checkpoints, "latest")
        warning = capsys.readouterr().err
        if step == 1:
            assert f"{item}" in warning
            assert warning.endswith("going back to checkpoint 1\n")
            assert warning.count("\n") == 1
        else:
            assert damage is Path.unlink
            assert name.name == "checksums.json"
        shutil.rmtree(item)


def test_saving_goes_on_after_a_damaged_checkpoint(make: Any) -> None:
    first = make()
    for step in (1, 2, 3):
        save(first, step)
    first.close()
    shutil.rmtree(first.path / "3" / "params")
    second = make()
    assert restored_step(second, "latest") == 2
    save(second, 3)
    save(second, 4)
    second.wait()
    assert second.steps() == [3, 4]
    assert restored_step(second, "latest") == 4


def test_all_damaged_is_an_error(make: Any) -> None:
    checkpoints = make()
    save(checkpoints, 1)
    checkpoints.wait()
    shutil.rmtree(checkpoints.path / "1" / "params" / "d")
    with pytest.raises(UserError, match=r"every checkpoint is damaged: .*/1/params/d/.*missing"):
        restored_step(checkpoints, "latest")


KILLED = """
import os, sys
from pathlib import Path
import jax.numpy as jnp
from seq2seq.checkpoints import Checkpoints
checkpoints = Checkpoints(Path(sys.argv[1]), 2, 1, "bleu", "max")
tree = {str(i): jnp.full((500, 500), i / 7) for i in range(20)}
checkpoints.save(1, {"params": {"w": jnp.ones(3)}})
checkpoints.wait()
checkpoints.save(2, {"params": tree})
while not any("tmp" in entry.name for entry in checkpoints.path.iterdir()):
    assert not (checkpoints.path / "2").exists(), "it was saved before it could be killed"
os._exit(9)
"""


def test_a_kill_while_saving_leaves_the_one_before(make: Any) -> None:
    checkpoints = make()
    command = [sys.executable, "-c", KILLED, str(checkpoints.path)]
    assert subprocess.run(command, check=False).returncode == 9
    assert any("tmp" in entry.name for entry in checkpoints.path.iterdir())
    assert checkpoints.steps() == [1]
    checkpoints.clean()
    assert not any("tmp" in entry.name for entry in checkpoints.path.iterdir())
    assert restored_step(checkpoints, "latest") == 1


def test_a_full_disk_is_one_line_and_nothing_half_written(
    make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A limit on the size of files stands for the full disk: it fails in the same calls."""
    checkpoints = make()
    save(checkpoints, 1)
    checkpoints.wait()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        noise = jax.random.normal(jax.random.key(0), (300, 300))
        checkpoints.save(2, {"params": {"w": noise}})
        with pytest.raises(UserError, match=r"checkpoints: no space left on the disk$"):
            checkpoints.wait()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [entry.name for entry in checkpoints.path.iterdir()] == ["1"]
    assert caplog.records == []
    save(checkpoints, 2)
    checkpoints.wait()
    assert checkpoints.steps() == [1, 2]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(28, "No space left on device"), "x: no space left on the disk"),
        (OSError(122, "Disk quota exceeded"), "x: no space left on the disk"),
        (ValueError("RESOURCE_EXHAUSTED: … [os_error_code='28']"), "x: no space left on the disk"),
        (PermissionError(13, "Permission denied"), "x: cannot be written: Permission denied"),
        (OSError(36, "File name too long"), "x: cannot be written: File name too long"),
    ],
)
def test_storage_errors(error: Exception, text: str) -> None:
    with pytest.raises(UserError, match=text), storage_errors(Path("x")):
        raise error


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(ValueError, match="too large"), storage_errors(Path("x")):
        raise ValueError("too large")
    with pytest.raises(FileNotFoundError), storage_errors(Path("x")):
        os.stat("/nowhere/to/be/found")
