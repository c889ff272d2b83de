"""Devices and hosts: one function, written for one device, run over all of them.

A step is written over the axis name `AXIS`, along which the batch is cut; `data_parallel` maps it
with `jax.shard_map` or with `jax.pmap`. Collectives are explicit in the step (`psum`), which is why
`check_vma` is off: with it, JAX would sum the gradient of replicated parameters by itself and a
step's own sum would make it as many times too large as there are devices.
"""

import contextlib
import functools
import os
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

AXIS = "data"
"""Name of the axis that the devices form, for collectives."""

Backend = Literal["shard_map", "pmap"]


_MOST_CPU_DEVICES = 8
"""Each device holds the parameters for itself."""


def cores_as_devices() -> None:
    """Makes a device of each CPU core, up to eight: for searches, and before JAX is used.

    Most operations of a search's step are too small to be shared by several cores, so two devices
    with half of the sentences each translate 1.6 times as many as one that has two threads. Where
    the number of CPU devices has been chosen already, it stays; GPUs and TPUs are not touched.
    """
    chosen = "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    if not chosen and getattr(jax.config, "jax_num_cpu_devices", -1) < 0:
        cores = len(os.sched_getaffinity(0))
        with contextlib.suppress(RuntimeError):  # JAX is in use already, and its devices with it
            jax.config.update("jax_num_cpu_devices", min(cores, _MOST_CPU_DEVICES))


def mesh() -> Mesh:
    """All devices of all hosts, in one row."""
    return jax.make_mesh((jax.device_count(),), (AXIS,), axis_types=(AxisType.Auto,))


def replicated() -> NamedSharding:
    """The sharding of what every device holds whole: parameters, optimiser state."""
    return NamedSharding(mesh(), PartitionSpec())


def sharded() -> NamedSharding:
    """The sharding of what is cut along its first axis: batches."""
    return NamedSharding(mesh(), PartitionSpec(AXIS))


def abstract_replicated(tree: Any) -> Any:
    """Shapes and types of a tree's leaves, to be held whole by every device."""
    sharding = replicated()
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), tree
    )


def data_parallel(
    function: Callable[..., Any],
    backend: Backend = "shard_map",
    outputs: Literal["equal", "cut"] = "equal",
    donate: bool = False,
) -> Callable[..., Any]:
    """Maps `function(whole, batch, *whole)`, written for one device, over all; and compiles it.

    Each device gets its part of the batch and all of the other arguments.

    Args:
        function: A function for one device.
        backend: `shard_map` (under `jax.jit`), or `pmap`, which JAX keeps for old code.
        outputs: What the function returns: values equal on all devices, thanks to collectives over
            `AXIS`, or each device's part of a batch.
        donate: Whether the first argument's memory is reused for the results.
    """
    if backend == "pmap":
        return _by_pmap(function, outputs)
    whole, cut = PartitionSpec(), PartitionSpec(AXIS)

    def mapped(first: Any, batch: Any, *rest: Any) -> Any:
        run = jax.shard_map(
            function,
            mesh=mesh(),
            in_specs=(whole, cut) + (whole,) * len(rest),
            out_specs=whole if outputs == "equal" else cut,
            check_vma=False,
        )
        return run(first, batch, *rest)

    return jax.jit(mapped, donate_argnums=(0,) if donate else ())


def _by_pmap(function: Callable[..., Any], outputs: str) -> Callable[..., Any]:
    """The same by `jax.pmap`, on one host: arguments and results bear a leading axis of devices.

    A whole tree is given that axis, or loses it, in one program. With one for each array, CPU
    devices stood still for ever, now and then: each lets no more than 32 programs wait, and a
    thread that had one more for it was the thread that another device's part of a sum needed.
    """
    run = jax.pmap(function, axis_name=AXIS)
    count = jax.local_device_count()

    def repeat(x: jax.Array) -> jax.Array:
        return jnp.broadcast_to(x, (count, *x.shape))

    def cut(x: jax.Array) -> jax.Array:
        return x.reshape(count, -1, *x.shape[1:])

    def join(x: jax.Array) -> jax.Array:
        return x[0] if outputs == "equal" else x.reshape(-1, *x.shape[2:])

    def of_all(change: Callable[[jax.Array], jax.Array], sharding: NamedSharding) -> Any:
        return jax.jit(functools.partial(jax.tree.map, change), out_shardings=sharding)

    repeat_all, cut_all = of_all(repeat, sharded()), of_all(cut, sharded())
    join_all = of_all(join, replicated() if outputs == "equal" else sharded())

    def mapped(first: Any, batch: Any, *rest: Any) -> Any:
        first, rest = repeat_all((first, rest))
        return join_all(run(first, cut_all(batch), *rest))

    return mapped


def place(batch: Any) -> Any:
    """Puts a host's part of a batch onto its devices, as part of the global array.

    Args:
        batch: A pytree of NumPy arrays that holds this process's rows.
    """
    sharding = sharded()
    return jax.tree.map(
        lambda x: jax.make_array_from_process_local_data(sharding, np.asarray(x)), batch
    )


def total(tree: Any) -> Any:
    """Inside a mapped function: the sum over all devices. One device is spared the copies."""
    return tree if jax.lax.axis_size(AXIS) == 1 else jax.lax.psum(tree, AXIS)


def fetch(tree: Any) -> Any:
    """The whole of each array as NumPy's, also where other hosts hold parts of it.

    All hosts must call this together.
    """
    if jax.process_count() == 1:
        return jax.device_get(tree)
    return multihost_utils.process_allgather(tree, tiled=True)


def any_host(flag: bool) -> bool:
    """Whether the flag is set on any host. All hosts must call this together."""
    if jax.process_count() == 1:
        return flag
    return bool(np.any(multihost_utils.process_allgather(np.asarray(flag))))


def join_hosts() -> None:
    """Makes this process one of several that train together.

    SLURM, Kubernetes and TPU pods are recognised by JAX itself; elsewhere JAX_COORDINATOR_ADDRESS
    (host:port of the first process), JAX_NUM_PROCESSES and JAX_PROCESS_ID tell it.

    Raises:
        ValueError: Nothing tells which processes there are.
        RuntimeError: The other processes cannot be reached, or JAX has begun already.
    """
    count, index = (os.environ.get(f"JAX_{name}") for name in ("NUM_PROCESSES", "PROCESS_ID"))
    jax.distributed.initialize(
        num_processes=None if count is None else int(count),
        process_id=None if index is None else int(index),
    )


def local_rows(rows: int, parts: int = 1) -> tuple[int, slice]:
    """Rows of a global batch so that each device has as many, and this process's part of them.

    Args:
        rows: Rows that the config asks for.
        parts: Into how many equal parts each device will cut its rows.

    Returns:
        The number of rows, `rows` rounded up, and the slice that is this process's.
    """
    multiple = jax.device_count() * parts
    total = -(-rows // multiple) * multiple
    share = total // jax.device_count() * jax.local_device_count()
    return total, slice(jax.process_index() * share, (jax.process_index() + 1) * share)
