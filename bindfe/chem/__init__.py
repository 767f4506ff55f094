"""What the chemist brings: molecules, checked on the way in, and measured affinities.

The only room that imports RDKit.
"""
