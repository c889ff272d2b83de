"""The matrices x W + b of a layer, with their first values."""

from flax import nnx

from seq2seq.config import ModelConfig

_INITIALISERS = {
    "xavier": nnx.initializers.xavier_uniform(),
    "fan_in": nnx.initializers.variance_scaling(1.0, "fan_in", "uniform"),
}


def projection(
    inputs: int, outputs: int, config: ModelConfig, rngs: nnx.Rngs, bias: bool = True
) -> nnx.Linear:
    """A linear map; its matrix is drawn as `model.initialisation` says, its bias starts at 0.

    The two choices agree for square matrices. For the feed-forward networks, whose matrices are
    four times as long as wide, the first W₁ is √2.5 times as large under `fan_in`, and W₂ √1.6
    times smaller.

    Args:
        inputs: Width of x.
        outputs: Width of the result.
        config: For the choice.
        rngs: Randomness of the matrix.
        bias: Whether there is a b.
    """
    init = _INITIALISERS[config.initialisation]
    return nnx.Linear(inputs, outputs, use_bias=bias, kernel_init=init, rngs=rngs)
