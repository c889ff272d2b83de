"""Table 3 of *Attention Is All You Need* (Vaswani et al., 2017) as it is printed, row by row.

All its figures are of English-German, newstest2013, without averaging of checkpoints. Perplexity is
per piece of the authors' vocabulary, so it compares with no other vocabulary's.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PaperRow:
    """One row of the table.

    Attributes:
        group: The letter of its group, or the name of the row that stands alone.
        change: In what it differs from the base model, in the paper's symbols.
        perplexity: Per piece, on newstest2013.
        bleu: On newstest2013, tokenised.
        millions: Parameters in millions, where the table prints them.
    """

    group: str
    change: str
    perplexity: float
    bleu: float
    millions: int | None = None

    @property
    def figures(self) -> str:
        """The row's figures as the comment of its recipe states them."""
        text = f"perplexity {self.perplexity:.2f}, BLEU {self.bleu:.1f}"
        return text if self.millions is None else f"{text}, {self.millions} million parameters"


ROWS = {
    "base": PaperRow("base", "N = 6, d_model = 512, d_ff = 2048, h = 8", 4.92, 25.8, 65),
    "a_h1": PaperRow("A", "h = 1, d_k = d_v = 512", 5.29, 24.9),
    "a_h4": PaperRow("A", "h = 4, d_k = d_v = 128", 5.00, 25.5),
    "a_h16": PaperRow("A", "h = 16, d_k = d_v = 32", 4.91, 25.8),
    "a_h32": PaperRow("A", "h = 32, d_k = d_v = 16", 5.01, 25.4),
    "b_dk16": PaperRow("B", "d_k = 16", 5.16, 25.1, 58),
    "b_dk32": PaperRow("B", "d_k = 32", 5.01, 25.4, 60),
    "c_n2": PaperRow("C", "N = 2", 6.11, 23.7, 36),
    "c_n4": PaperRow("C", "N = 4", 5.19, 25.3, 50),
    "c_n8": PaperRow("C", "N = 8", 4.88, 25.5, 80),
    "c_d256": PaperRow("C", "d_model = 256, d_k = d_v = 32", 5.75, 24.5, 28),
    "c_d1024": PaperRow("C", "d_model = 1024, d_k = d_v = 128", 4.66, 26.0, 168),
    "c_ff1024": PaperRow("C", "d_ff = 1024", 5.12, 25.4, 53),
    "c_ff4096": PaperRow("C", "d_ff = 4096", 4.75, 26.2, 90),
    "d_drop0": PaperRow("D", "P_drop = 0.0", 5.77, 24.6),
    "d_drop02": PaperRow("D", "P_drop = 0.2", 4.95, 25.5),
    "d_ls0": PaperRow("D", "ε_ls = 0.0", 4.67, 25.3),
    "d_ls02": PaperRow("D", "ε_ls = 0.2", 5.47, 25.7),
    "e_learned": PaperRow("E", "learned positions instead of sinusoids", 4.92, 25.7),
    "big": PaperRow("big", "d_model = 1024, d_ff = 4096, h = 16, P_drop = 0.3", 4.33, 26.4, 213),
}
"""The rows by the names of their recipes in configs/table3/, in the table's order."""
