"""What every test may rely on: one thread, the reference data where there is any, and what a marker needs."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENMM_CPU_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
from hypothesis import settings

# A shared machine is slow now and then, and a failure must come again: no deadlines, the same examples each time.
settings.register_profile("bindfe", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("bindfe")

ROOT = Path(__file__).resolve().parent.parent


def _data() -> Path | None:
    """The reference data that BINDFE_DATA names, if it is there."""
    named = os.environ.get("BINDFE_DATA")
    return Path(named) if named and Path(named).is_dir() else None


def _weights() -> bool:
    """Whether torchani and weights that it can load are here, without asking the network."""
    places = [data / "models" / "torchani" for data in [_data()] if data]
    places += [Path(os.environ.get("TORCHANI_DATA_DIR", Path.home() / ".local/share/Torchani"))]
    return find_spec("torchani") is not None and any(
        (place / "StateDicts" / "ani2x_state_dict.pt").is_file() for place in places
    )


def _gpu() -> bool:
    import openmm

    names = [openmm.Platform.getPlatform(i).getName() for i in range(openmm.Platform.getNumPlatforms())]
    return bool({"CUDA", "HIP", "OpenCL"} & set(names))


def _kernel() -> bool:
    from bindfe.errors import MissingDependency
    from bindfe.sample.plumed import find_kernel

    try:
        return find_kernel().is_file()
    except MissingDependency:
        return False


NEEDS = {
    "data": (lambda: _data() is not None, "BINDFE_DATA names no directory"),
    "mlip": (_weights, "torchani or its weights are absent"),
    "gpu": (_gpu, "OpenMM sees no GPU platform"),
    "plumed": (_kernel, "there is no PLUMED kernel: pip install --no-deps hillclimber, or set PLUMED_KERNEL"),
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name, (there, reason) in NEEDS.items():
        if item.get_closest_marker(name) and not there():
            pytest.skip(reason)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def data_directory() -> Path:
    """The reference data; the test is skipped without it."""
    found = _data()
    if found is None:
        pytest.skip("BINDFE_DATA names no directory")
    return found
