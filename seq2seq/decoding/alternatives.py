"""Other ways to go on: translations that part where a given beginning ends.

The n best of a search often differ in a word near the end. Here the most probable next pieces after
the beginning are taken, one for each translation, and every one of them is searched for by itself.
"""

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from seq2seq import parallel
from seq2seq.config import DecodingConfig
from seq2seq.decoding.candidates import NEVER
from seq2seq.decoding.forced import Pairs, batches, decoder_states
from seq2seq.decoding.phrases import Advance, Bans, Find, longest
from seq2seq.decoding.work import Hypothesis, Work
from seq2seq.model.functional import Make
from seq2seq.parallel import Backend
from seq2seq.types import Params
from seq2seq.vocabulary import Vocabularies

Following = Callable[[Work, DecodingConfig], list[list[int]]]
"""`following(work, decoding)`: the pieces with which each translation may go on."""


class NextPieces:
    """The most probable pieces after the beginning of a translation, the end left out."""

    def __init__(self, make: Make, vocabularies: Vocabularies, backend: Backend) -> None:
        """Compiles nothing yet.

        Args:
            make: Makes the model from its parameters.
            vocabularies: Source and target vocabulary.
            backend: How devices share the work.
        """
        self._vocabularies = vocabularies
        symbols = np.array(list({*vocabularies.target.symbols}))

        @functools.cache
        def compiled(count: int) -> Callable[[Params, Pairs], Int[Array, "B K"]]:
            def one_device(params: Params, pairs: Pairs) -> Int[Array, "B K"]:
                model = make(params)
                last = jnp.maximum(pairs.segments.sum(axis=1) - 1, 0)[:, None, None]
                states = jax.tree.map(
                    lambda x: jnp.take_along_axis(x, last, axis=1)[:, 0],
                    decoder_states(model, pairs),
                )
                logits = model.logits(states).at[:, symbols].set(NEVER)
                return jax.lax.top_k(logits, count)[1]

            return parallel.data_parallel(one_device, backend, outputs="cut")

        self._compiled = compiled

    def __call__(
        self, params: Params, work: Work, decoding: DecodingConfig, bans: Bans
    ) -> list[list[int]]:
        """The pieces for each sentence; none where its translation is as long as it may be.

        Args:
            params: The model's parameters.
            work: Sentences, and with what their translations begin.
            decoding: `alternatives` says how many pieces.
            bans: A piece with which a translation would begin to hold a banned phrase is none.
        """
        begun: Sequence[list[int]] = work.prefixes or [[]] * len(work.sources)
        found: list[list[int]] = [[] for _ in work.sources]
        open_ = [
            i
            for i, (source, prefix) in enumerate(zip(work.sources, begun, strict=True))
            if source and len(prefix) < longest(source, decoding)
        ]
        # Two for each phrase, as its last piece may begin a word or go on with one.
        count = decoding.alternatives + 2 * len(bans.sequences)
        best = self._compiled(min(count, len(self._vocabularies.target)))
        pairs = ([work.sources[i] for i in open_], [begun[i] for i in open_])
        for numbers, arrays in batches(*pairs, self._vocabularies, decoding.batch_tokens):
            pieces = parallel.fetch(best(params, arrays))
            for row, number in enumerate(numbers):
                i = open_[number]
                free = (x for x in pieces[row].tolist() if not bans.hold([*begun[i], x]))
                found[i] = list(islice(free, decoding.alternatives))
        return found


def search(
    find: Find,
    following: Following,
    work: Work,
    decoding: DecodingConfig,
    advance: Advance = None,
) -> Iterator[tuple[int, list[Hypothesis]]]:
    """Yields, for each sentence, the best hypothesis for every way to go on, the best first.

    Args:
        find: Finds the best hypotheses.
        following: Gives the ways to go on.
        work: What is translated, and with what translations begin.
        decoding: How to search; `alternatives` says how many ways.
        advance: Called with a number of sentences that are done.
    """
    ways = [[[token] for token in tokens] or [[]] for tokens in following(work, decoding)]
    owners = [i for i, of_sentence in enumerate(ways) for _ in of_sentence]
    begun: Sequence[list[int]] = work.prefixes or [[]] * len(work.sources)
    parted = Work(
        sources=[work.sources[i] for i in owners],
        prefixes=[[*begun[i], *way] for i, of_sentence in enumerate(ways) for way in of_sentence],
        numbers=[work.number(i) for i in owners],
        forced=[work.forced[i] for i in owners] if work.forced else (),
    )
    found: dict[int, list[Hypothesis]] = {}
    waiting = Counter(owners)
    for number, hypotheses in find(parted, replace(decoding, alternatives=1), None):
        i = owners[number]
        found.setdefault(i, []).append(hypotheses[0])
        waiting[i] -= 1
        if waiting[i]:
            continue
        ranked = sorted(found.pop(i), key=lambda one: -one[1])
        yield i, [one for one in ranked if one[1] > NEVER / 2] or ranked[:1]
        if advance is not None:
            advance(1)
