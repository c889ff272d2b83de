"""How good translations are: sacreBLEU, the scores of older papers, paired tests, breakdowns."""
