"""Pictures of attention: heat maps as PNG, and a page to hover over as HTML."""
