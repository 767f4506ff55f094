"""From prepared legs to samples: the only room that steps time."""
