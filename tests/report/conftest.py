"""Records that look like a real run's, drawn from simple distributions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bindfe.report.material import LigandMaterial, ReportMaterial, Timing
from bindfe.results import (
    Affinity,
    BindingEstimate,
    CommitteeReport,
    Component,
    Convergence,
    LegEstimate,
    Mixing,
    Prediction,
    Term,
    UncertaintyBudget,
)
from bindfe.states import LegKind

SVG = (
    '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200">'
    '<path d="M60 60 L140 60 L175 120 L140 170 L60 170 L25 120 Z" fill="none" stroke="#1f2933" stroke-width="4"/>'
    '<text x="134" y="52" font-size="26" fill="#D55E00">OH</text></svg>'
)


def banded(states: int, rng: np.random.Generator, *, width: float) -> np.ndarray:
    """A row-stochastic matrix that falls off from the diagonal."""
    gap = np.abs(np.subtract.outer(np.arange(states), np.arange(states)))
    matrix = np.exp(-((gap / width) ** 2)) * rng.uniform(0.8, 1.2, (states, states))
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True), dtype=float)


def make_leg(kind: LegKind, repeat: int, *, states: int, total: float, seed: int, width: float = 1.6) -> LegEstimate:
    rng = np.random.default_rng(seed)
    fraction = np.linspace(0.1, 1.0, 10)
    error = 0.35 / np.sqrt(fraction)
    f_k = np.concatenate([[0.0], np.cumsum(np.full(states - 1, total / (states - 1)))])
    return LegEstimate(
        kind=kind,
        repeat=repeat,
        f_k=f_k,
        covariance=np.eye(states) * 0.05,
        bootstrap_error=0.35,
        overlap=banded(states, rng, width=width),
        n_effective=rng.uniform(80, 400, states),
        equilibrated_from=40,
        n_cycles=2000,
        statistical_inefficiency=3.4,
        convergence=Convergence(
            fraction=fraction,
            forward=total + 0.8 * np.exp(-4 * fraction) + rng.normal(0, 0.12, 10),
            forward_error=error,
            reverse=total + rng.normal(0, 0.15, 10) * error,
            reverse_error=error,
        ),
        mixing=Mixing(
            transitions=banded(states, rng, width=width), second_eigenvalue=0.964, round_trips=int(rng.integers(4, 30))
        ),
    )


def draw_records(
    name: str = "B2", *, repeats: int = 3, committee: bool = True, states: int = 19, seed: int = 1
) -> LigandMaterial:
    rng = np.random.default_rng(seed)
    terms = (
        Term(name="decoupling in the complex", delta_g_kcal_mol=-31.42, standard_error_kcal_mol=0.21,
             explanation="Free energy of coupling the ligand to the host and the solvent around both."),
        Term(name="decoupling in solvent", delta_g_kcal_mol=16.05, standard_error_kcal_mol=0.09,
             explanation="Free energy of taking the ligand out of the solvent."),
        Term(name="restraint and standard state", delta_g_kcal_mol=3.62, standard_error_kcal_mol=0.0,
             explanation="From 1 mol/L into the restraint, by quadrature."),
        Term(name="symmetry", delta_g_kcal_mol=0.0, standard_error_kcal_mol=0.0,
             explanation="Equivalent poses that the restraint excludes: none."),
        Term(name="ML/MM", delta_g_kcal_mol=-0.83, standard_error_kcal_mol=0.17,
             explanation="From the force field to the potential, in the host and in solvent."),
    )  # fmt: skip
    total = sum(term.delta_g_kcal_mol for term in terms)
    budget = UncertaintyBudget(
        components=(
            Component(kind="sampling", standard_error_kcal_mol=0.36, degrees_of_freedom=5.2,
                      explanation="Spread of 3 repeats, moderated by their bootstrap errors."),
            Component(kind="committee", standard_error_kcal_mol=0.29, degrees_of_freedom=7,
                      explanation="Spread of delta_g over 8 members."),
            Component(kind="analytic", standard_error_kcal_mol=0.01, degrees_of_freedom=np.inf,
                      explanation="Quadrature of the restraint."),
        )
    )  # fmt: skip
    prediction = Prediction(
        ligand=name,
        target="CB7",
        raw_kcal_mol=total,
        location_kcal_mol=total,
        scale_kcal_mol=budget.standard_error_kcal_mol,
        degrees_of_freedom=budget.degrees_of_freedom,
        budget=budget,
        fingerprint="0123456789abcdef",
        warnings=("The solvent is implicit (OBC2): water inside the host is not described.",),
    )
    binding = BindingEstimate(
        ligand=name,
        temperature=298.15,
        delta_g_kcal_mol=total,
        terms=terms,
        delta_g_repeats=total + rng.normal(0, 0.3, repeats),
        bootstrap_errors=np.full(repeats, 0.28),
        delta_g_members=total + rng.normal(0, 0.3, 8) if committee else np.empty(0),
        member_errors=np.full(8, 0.1) if committee else np.empty(0),
    )
    members = tuple(f"ani2x-{m}" for m in range(8))
    reports = tuple(
        CommitteeReport(
            environment=place,
            members=members,
            n_frames=300,
            spread_kt=rng.uniform(0.6, 1.3, 8),
            offset_kt=np.linspace(-0.6, 0.7, 8) + rng.normal(0, 0.1, 8),
            gap_spread_kt=4.1,
            n_effective=2.3,
            notes=("Reweighting keeps 2.3 of 300 frames: the correction was made by switching instead.",),
        )
        for place in ("bound", "free")
    )
    legs = tuple(
        make_leg(kind, repeat, states=count, total=total_kt, seed=seed + 10 * repeat, width=width)
        for kind, count, total_kt, width in (
            (LegKind.COMPLEX, states, 53.1, 1.6),
            (LegKind.SOLVENT, min(states, 15), 27.1, 2.2),
        )
        for repeat in range(repeats)
    )
    return LigandMaterial(
        prediction=prediction,
        binding=binding,
        legs=legs,
        committee=reports if committee else (),
        depiction_svg=SVG,
        measured=Affinity(
            ligand=name,
            delta_g_kcal_mol=-13.4,
            standard_error_kcal_mol=0.1,
            temperature=298.15,
            assay="ITC, 50 mM acetate, pH 4.7",
            source="doi:10.1000/example",
        ),
        timings=tuple(
            Timing(stage=kind, repeat=repeat, ns_per_day=61.0 + repeat, wall_seconds=171.4 + repeat)
            for kind in ("complex", "solvent")
            for repeat in range(repeats)
        ),
    )


def gather(*ligands: LigandMaterial) -> ReportMaterial:
    return ReportMaterial(
        name="quickstart",
        protocol_yaml="name: quickstart  # name of the calculation\nsampling:\n  time_step: 4 fs  # <b> & more\n",
        summary={"Method": "double decoupling, OBC2 implicit solvent", "Sampling": "3 repeats of 1 ns a replica"},
        ligands=ligands,
        provenance={
            "Versions": {"bindfe": "0.1.0", "openmm": "8.6.0"},
            "Platform": {"platform": "CPU", "threads": "1"},
            "Seeds": {"repeat 1": "2026", "repeat 2": "88172645463325252"},
            "Identity": {"fingerprint": "0123456789abcdef", "receptor": "sha256 " + "ab" * 32},
        },
    )


@pytest.fixture(scope="session")
def make_ligand() -> Callable[..., LigandMaterial]:
    """Material of one ligand, by name, repeats, committee and states."""
    return draw_records


@pytest.fixture(scope="session")
def make_run() -> Callable[..., ReportMaterial]:
    """Material of a run of the given ligands."""
    return gather
