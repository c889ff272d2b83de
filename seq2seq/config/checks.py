"""What the configs check of their values, each in one line that names the key."""

from seq2seq.errors import UserError


def require(holds: bool, key: str, wanted: str, found: object) -> None:
    """Raises a `UserError` that names the key unless the condition holds."""
    if not holds:
        raise UserError(f"{key}: expected {wanted}, found {found!r}")


def fraction(key: str, value: float) -> None:
    """Raises unless 0 ≤ value < 1."""
    require(0.0 <= value < 1.0, key, "a number from 0 up to but not including 1", value)


def at_least(key: str, value: float, least: float) -> None:
    """Raises unless value ≥ least."""
    require(value >= least, key, f"at least {least:g}", value)


def seed(key: str, value: int) -> None:
    """Raises unless a seed is one of those that JAX keeps apart: 32 bits of it make the key."""
    require(0 <= value < 2**32, key, "a whole number from 0 to 4294967295", value)


def decoder_layer(key: str, layer: int, layers: int) -> None:
    """Raises unless the decoder has that layer, counted from 1."""
    require(layer <= layers, key, f"a layer of the decoder, at most {layers}", layer)
