"""``bindfe audit``: a table for each ligand, and an exit code that says whether the potential may drive."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bindfe.cli import app
from bindfe.errors import InputError

SYSTEMS = Path(__file__).resolve().parents[2] / "systems"
WATER = """\
water

\t
  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 Ag  0  0
    0.9572    0.0000    0.0000 H   0  0
   -0.2400    0.9266    0.0000 H   0  0
  1  2  1  0
  1  3  1  0
M  END
$$$$
"""


@pytest.mark.mlip
def test_a_ligand_passes() -> None:
    result = CliRunner().invoke(app, ["audit", str(SYSTEMS / "hydration" / "ethylparaben.sdf")], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "ani2x on ethylparaben: 22 atoms" in result.output
    assert "FAILED" not in result.output


@pytest.mark.mlip
def test_a_model_that_fails_is_an_error_that_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """A committee whose forces are a tenth of what they should be, as openmm-ml's are."""
    from bindfe import mlip

    opened = mlip.open_committee

    class Tenth:
        def __init__(self, committee):
            self.committee = committee

        def __getattr__(self, name):
            return getattr(self.committee, name)

        def __reduce__(self):
            return Tenth, (self.committee,)

        def mean_energy_and_forces(self, positions_nm):
            energy, forces = self.committee.mean_energy_and_forces(positions_nm)
            return energy, 0.1 * forces

    Tenth.__qualname__ = "Tenth"
    globals()["Tenth"] = Tenth
    monkeypatch.setattr(
        mlip, "open_committee", lambda *words, **options: Tenth(opened(*words, **options)), raising=False
    )
    with pytest.raises(InputError, match=r"failed its audit, so nothing is simulated.*they are 0\.1 times it"):
        CliRunner().invoke(app, ["audit", str(SYSTEMS / "hydration" / "ethylparaben.sdf")], catch_exceptions=False)


@pytest.mark.mlip
def test_a_model_that_does_not_know_an_element_says_which(tmp_path: Path) -> None:
    (tmp_path / "water.sdf").write_text(WATER.replace("\t", ""))
    with pytest.raises(InputError, match="Ag"):
        CliRunner().invoke(app, ["audit", str(tmp_path / "water.sdf")], catch_exceptions=False)
