"""PLUMED inside OpenMM: a bias that any System can carry, and that deposits exactly once a step."""

from bindfe.sample.plumed.bias import PlumedBias
from bindfe.sample.plumed.find import THREE_WAYS, find_kernel
from bindfe.sample.plumed.script import Statement, check_script, read_statements

__all__ = ["THREE_WAYS", "PlumedBias", "Statement", "check_script", "find_kernel", "read_statements"]
