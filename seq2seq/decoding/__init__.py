"""Search for translations: over a step function, never over a model."""
