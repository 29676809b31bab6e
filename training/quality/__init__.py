"""One harness that measures any tool beside its baselines, on recordings that were never trained on.

`cases` do the damage, `contenders` answer (floor, peers, ours, ceiling), `measures` judge, `harness` runs them in
processes, `table` and `report` sum up and print, `pictures` draws; `scoreboards` say what is measured of each tool.
Never trains, and takes no measure from a loss.
"""

from training.quality.cases import Case, Material, undamaged
from training.quality.contenders import Answer, Contender, blind, bound, tool_contender, untouched
from training.quality.harness import Round, measure_cases, measure_rounds
from training.quality.measures import MEASURES, Measure, NotMeasurableError, SpeedCurve, named
from training.quality.report import Verdict, printed
from training.quality.scoreboards.restore import measured_networks
from training.quality.table import Figure, Miss, Report, Summary

__all__ = [
    "Answer",
    "Case",
    "Contender",
    "Figure",
    "MEASURES",
    "Material",
    "Measure",
    "Miss",
    "NotMeasurableError",
    "Report",
    "Round",
    "SpeedCurve",
    "Summary",
    "Verdict",
    "blind",
    "bound",
    "measure_cases",
    "measure_rounds",
    "measured_networks",
    "named",
    "printed",
    "tool_contender",
    "undamaged",
    "untouched",
]
