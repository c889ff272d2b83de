"""What `seq2seq shortlist` does: learn from the training corpus which pieces translate which."""

import numpy as np

from seq2seq.commands.console import count, say
from seq2seq.data.lexical import ROUNDS, best_translations
from seq2seq.data.prepare import prepare
from seq2seq.data.storage import TokenPairs
from seq2seq.decoding.shortlist import Shortlist
from seq2seq.errors import UserError
from seq2seq.progress import Progress
from seq2seq.run_directory import RunDirectory
from seq2seq.vocabulary import Vocabularies


def shortlist(run: RunDirectory, best: int, frequent: int, most: int) -> int:
    """Leaves a shortlist in the run, and says how much of the references it has.

    Args:
        run: A run whose training corpora can still be read.
        best: Translations of every source piece.
        frequent: Most frequent target pieces, which all sentences have.
        most: Pairs of the corpus that are read.

    Raises:
        UserError: A corpus cannot be read, or has changed.
    """
    prepared, vocabularies = prepare(run.config), Vocabularies.load(run.vocabulary)
    if not vocabularies.alike(prepared.vocabularies):
        wanted = "the corpora that the run was trained on"
        raise UserError(f"{run.path}: data.train: expected {wanted}, found others")
    pairs, sizes = prepared.train[0], (len(vocabularies.source), len(vocabularies.target))
    symbols = vocabularies.target.symbols
    read = min(len(pairs), most)
    with Progress("aligning", ROUNDS * read, unit="pairs") as progress:
        table = best_translations(pairs, sizes, best, most, progress.advance)
    usual = np.argsort(-np.bincount(pairs.target_tokens, minlength=sizes[1]), kind="stable")
    usual = usual[~np.isin(usual, symbols)][:frequent]
    made = Shortlist(np.concatenate([symbols, usual]).astype(np.int32), table)
    made.save(run.path)
    pieces = f"{count(best, 'piece')} for each source piece, {count(len(usual), 'piece')} for all"
    say(f"shortlist: {pieces}, from {count(read, 'pair')}")
    if len(prepared.validation):
        say(f"  validation set: {_measured(made, prepared.validation)}")
    return 0


def _measured(made: Shortlist, pairs: TokenPairs) -> str:
    """How long lists are, and how much of the references stands in them."""
    sizes, held, tokens = 0, 0, 0
    for number in range(len(pairs)):
        source, target = pairs.pair(number)
        pieces = made.of(source)
        sizes, tokens = sizes + len(pieces), tokens + len(target)
        held += int(np.isin(target, pieces).sum())
    share = 100 * held / max(1, tokens)
    return f"{sizes / len(pairs):.0f} pieces a sentence, with {share:.1f} % of its reference"
