"""Training: loss, schedule, one update, and the loop around it."""
