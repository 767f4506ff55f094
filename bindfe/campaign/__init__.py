"""Whole calculations: plan, execute, estimate and report, for any number of ligands."""
