"""The paper's Table 3 again, on any corpus: its figures, the training of its rows, the report."""
