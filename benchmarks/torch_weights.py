"""Our parameters as PyTorch's, under the names that a peer has for them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def linear(name: str, own: Mapping[str, Any], i: int) -> dict[str, torch.Tensor]:
    """The projection of layer `i` of `own`, a stack of layers; a bias of zeros if it has none."""
    kernel = own["kernel"][i]
    bias = own["bias"][i] if "bias" in own else np.zeros(kernel.shape[1])
    return {f"{name}.weight": tensor(kernel.T), f"{name}.bias": tensor(bias)}


def norm(name: str, own: Mapping[str, Any], i: int) -> dict[str, torch.Tensor]:
    """The normalisation after layer `i` of `own`, a stack of layers."""
    found = own["norm"]
    return {f"{name}.weight": tensor(found["scale"][i]), f"{name}.bias": tensor(found["bias"][i])}


def tensor(values: Any) -> torch.Tensor:
    """A copy, in float32."""
    return torch.from_numpy(np.array(values, np.float32))
