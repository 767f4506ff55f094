"""The protocol file: every setting of every stage, as frozen nested models.

Quantities are text with a unit (``2 fs``) in the file and floats in OpenMM's units here. A key that
is not known, a bare number where a unit is due or a wrong dimension is a :class:`ProtocolError` that
names the line, the full key path and the nearest valid key.
"""

from bindfe.protocol.catalysts import CatalystSettings
from bindfe.protocol.describe import Key, all_keys, describe_keys
from bindfe.protocol.ligands import LigandSettings
from bindfe.protocol.membrane import MembraneSettings
from bindfe.protocol.read import load_protocol, parse_protocol
from bindfe.protocol.receptor import ReceptorSettings
from bindfe.protocol.roads import GateSettings, MetadynamicsSettings, PathSettings, WindowSettings
from bindfe.protocol.settings import (
    AlchemySettings,
    AnalyticSettings,
    CalibrationSettings,
    CommitteeSettings,
    ComputeSettings,
    EquilibrationSettings,
    EstimatorSettings,
    ForceFieldSettings,
    LegSchedule,
    OutputSettings,
    Protocol,
    RepeatSettings,
    RestraintSettings,
    SamplingSettings,
    ScheduleSettings,
    SolventSettings,
    SwitchingSettings,
)
from bindfe.protocol.write import dump_protocol, protocol_difference

__all__ = [
    "AlchemySettings",
    "AnalyticSettings",
    "CalibrationSettings",
    "CatalystSettings",
    "CommitteeSettings",
    "ComputeSettings",
    "EquilibrationSettings",
    "EstimatorSettings",
    "ForceFieldSettings",
    "GateSettings",
    "Key",
    "LegSchedule",
    "LigandSettings",
    "MembraneSettings",
    "MetadynamicsSettings",
    "OutputSettings",
    "PathSettings",
    "Protocol",
    "ReceptorSettings",
    "RepeatSettings",
    "RestraintSettings",
    "SamplingSettings",
    "ScheduleSettings",
    "SolventSettings",
    "SwitchingSettings",
    "WindowSettings",
    "all_keys",
    "describe_keys",
    "dump_protocol",
    "load_protocol",
    "parse_protocol",
    "protocol_difference",
]
