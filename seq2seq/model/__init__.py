"""The Transformer: attention, layers, encoder, decoder, and the whole."""
