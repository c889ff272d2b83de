"""How the C library keeps the memory that training on a CPU allocates and frees at every step."""

import ctypes

_ARENA_MAX, _MMAP_MAX, _TRIM_THRESHOLD = -8, -4, -1
"""Names of glibc's mallopt(3)."""
_kept = False


def keep_freed_memory() -> None:
    """Lets glibc keep what is freed for the next allocation, instead of giving it back.

    XLA's CPU client takes the memory of a step's intermediate results as one block and frees it at
    its end. By default the system takes such a block back at once, and the next step pays for
    every page of it again: a third of the time of a small model's step. Blocks come to stay only in
    the main arena, so this has to be called before the threads that allocate have started: before
    JAX is used. Where the C library is not glibc, nothing happens.
    """
    global _kept
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return
    for option, value in ((_ARENA_MAX, 1), (_MMAP_MAX, 0), (_TRIM_THRESHOLD, -1)):
        libc.mallopt(option, value)
    _kept = True


def give_back_freed_memory() -> None:
    """Gives back what `keep_freed_memory` has kept; to be called now and then, as at checkpoints.

    Blocks of many sizes that are never given back leave gaps too small for the next large one, so
    that the heap would grow by gigabytes an hour. The next step pays for its pages once more.
    """
    if _kept:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
