"""What a run is made of, as frozen dataclasses: a recipe in configs/ fills them in.

The defaults are the base model of *Attention Is All You Need* (Vaswani et al., 2017). Loading a
recipe and overriding its keys is in `seq2seq.recipes`; nothing changes a config once it is made.
"""

from dataclasses import dataclass, field

from seq2seq.config.data import Corpus, DataConfig, VocabularyConfig
from seq2seq.config.decoding import DecodingConfig
from seq2seq.config.model import ModelConfig
from seq2seq.config.training import TrainingConfig

__all__ = [
    "Config",
    "Corpus",
    "DataConfig",
    "DecodingConfig",
    "ModelConfig",
    "TrainingConfig",
    "VocabularyConfig",
]


@dataclass(frozen=True)
class Config:
    """A whole run.

    Attributes:
        run: The run directory; default runs/NAME for a recipe NAME.yaml.
        data: Which pairs are read, kept and packed.
        vocabulary: How text is cut into pieces.
        model: The Transformer's sizes.
        training: The optimisation.
        decoding: The search.
    """

    run: str | None = None
    data: DataConfig = field(default_factory=DataConfig)
    vocabulary: VocabularyConfig = field(default_factory=VocabularyConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
