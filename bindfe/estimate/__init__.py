"""Arrays to free energies: no simulator is imported here, and pymbar only when it is needed."""
