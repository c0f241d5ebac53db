"""A simulated platform behind real interfaces, with an exact ground truth."""
