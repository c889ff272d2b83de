"""Batches placed on the devices one step ahead, so that the devices never wait for the host."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from seq2seq import parallel
from seq2seq.types import Batch


class Feed:
    """Batches by step, each gathered and placed while the step before it runs.

    Attributes:
        waited: Seconds that the loop has waited for a batch so far.
    """

    def __init__(self, batch: Callable[[int], Batch]) -> None:
        """Prepares a feed.

        Args:
            batch: Gives this process's rows of a step, as NumPy arrays.
        """
        self._batch = batch
        self.waited = 0.0

    def steps(self, first: int, last: int) -> Iterator[Batch]:
        """Yields the batches of steps `first` to `last` - 1, as global arrays on the devices."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="feed") as thread:
            following = thread.submit(self._placed, first)
            for step in range(first, last):
                start = time.perf_counter()
                batch = following.result()
                self.waited += time.perf_counter() - start
                if step + 1 < last:
                    following = thread.submit(self._placed, step + 1)
                yield batch

    def _placed(self, step: int) -> Batch:
        return parallel.place(self._batch(step))
