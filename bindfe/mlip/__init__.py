"""Machine-learned potentials of a ligand: committees, and the mixed ML/MM System that they drive.

torch, torchani and openmm-ml are imported here and nowhere else, and only when a model is loaded.
"""
