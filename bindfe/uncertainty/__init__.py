"""From error bars to a statement that holds."""
