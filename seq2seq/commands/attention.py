"""`seq2seq attention`: a picture of what every head looks at while a sentence is translated."""

from pathlib import Path

from seq2seq.commands.console import say, show, use_compilation_cache
from seq2seq.config import DecodingConfig
from seq2seq.pictures import heat_maps, page
from seq2seq.pictures.views import Choice
from seq2seq.run_directory import RunDirectory
from seq2seq.translator import Translator


def attention(
    run: RunDirectory,
    sentence: str,
    target: str | None,
    output: Path,
    choice: Choice,
    decoding: DecodingConfig,
    checkpoint: str | int,
) -> int:
    """Draws the attention of one sentence; returns the exit status.

    The translation is printed, and then the name of the picture.

    Args:
        run: A trained run.
        sentence: What is translated.
        target: The translation that the decoder is made to read; None is what the search finds.
        output: The .png or .html to write.
        choice: What to draw.
        decoding: How to search.
        checkpoint: Which one: best, latest, averaged or a step.
    """
    use_compilation_cache()
    found = Translator.load(run.path, checkpoint).attention(sentence, target, decoding)
    if output.suffix.lower() == ".html":
        page.write([found], output, choice)
    elif missing := heat_maps.draw([found], output, choice):
        say(f"warning: {output}: no font here has {missing}: boxes stand for it; try .html")
    show(found.translation)
    show(str(output))
    return 0
