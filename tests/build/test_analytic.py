from __future__ import annotations

import math

import numpy as np
import openmm as mm
import pytest

from bindfe.build import analytic_delta_g, load_leg, load_plain, prepare_analytic_leg
from bindfe.errors import ProtocolError
from bindfe.estimate.correction import standard_state_correction
from bindfe.protocol import parse_protocol
from bindfe.units import KJ_PER_KCAL, thermal_energy


@pytest.mark.parametrize("text", ["analytic: {}", "analytic: {depth: 3 kcal/mol}\nrestraint: {kind: flat-bottom}"])
def test_leg_and_release_close_on_the_exact_answer(tmp_path, text):
    protocol = parse_protocol(text)
    prepare_analytic_leg(protocol, tmp_path)
    leg, kt = load_leg(tmp_path), thermal_energy(protocol.sampling.temperature)
    context = mm.Context(leg.system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    node, weight = np.polynomial.legendre.leggauss(400)
    radii, weights = 0.6 * (node + 1), 0.6 * weight

    def volume(parameters):
        for name, value in parameters.items():
            context.setParameter(name, value)
        total = 0.0
        for r, w in zip(radii, weights, strict=True):
            context.setPositions([[0, 0, 0], [0, r, 0]])
            energy = context.getState(energy=True).getPotentialEnergy()._value
            total += w * 4 * math.pi * r * r * math.exp(-energy / kt)
        return total

    decoupling = -kt * math.log(volume(leg.record.parameters[-1]) / volume(leg.record.parameters[0]))
    release = standard_state_correction(leg.record.restraint, temperature=protocol.sampling.temperature)
    assert -(decoupling + release) / KJ_PER_KCAL == pytest.approx(analytic_delta_g(protocol), abs=1e-3)


def test_default_model_binds_as_worked_out_by_hand():
    # -8 - 0.59248 ln[(2 pi 0.59248/2)^1.5 / 1660.54] with kT in kcal/mol, k in kcal/mol/A^2 and V0 in A^3
    assert analytic_delta_g(parse_protocol("analytic: {}")) == pytest.approx(-4.159, abs=5e-4)


def test_states_are_linear_and_the_plain_end_is_the_bound_state(tmp_path, evaluate):
    record = prepare_analytic_leg(parse_protocol("analytic: {}"), tmp_path, fingerprint="abc")
    leg, plain = load_leg(tmp_path), load_plain(tmp_path, "bound")
    assert leg.record == record
    assert set(record.linear_parameters) == set(record.parameters[0])
    bound = evaluate(leg.system, leg.positions, record.parameters[record.start_state])
    assert bound.energy == pytest.approx(evaluate(plain.system, plain.positions).energy, abs=1e-10)
    for parameters in record.parameters:
        expected = bound.energy + sum(
            bound.derivatives[name] * (value - record.parameters[0][name]) for name, value in parameters.items()
        )
        assert evaluate(leg.system, leg.positions, parameters).energy == pytest.approx(expected, abs=1e-10)


def test_what_has_no_exact_answer_is_refused(tmp_path):
    with pytest.raises(ProtocolError, match="no section 'analytic'"):
        analytic_delta_g(parse_protocol("receptor: {file: a.sdf}\nligands: {file: b.sdf}"))
    for kind in ("boresch", "axial"):
        with pytest.raises(ProtocolError, match=f"found {kind}"):
            prepare_analytic_leg(parse_protocol(f"analytic: {{}}\nrestraint: {{kind: {kind}}}"), tmp_path)
