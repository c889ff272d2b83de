"""Searching for translations: the search itself over any step function, then over a model."""
