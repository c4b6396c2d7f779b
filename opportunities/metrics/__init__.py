"""Figures of the deals: the weighted funnel, rates, times in stage, and the past of a deal."""

from .funnel import Funnel, funnel, funnel_rows
from .learning import learned_probabilities
from .past import stage_history, values_at

__all__ = ["Funnel", "funnel", "funnel_rows", "learned_probabilities", "stage_history", "values_at"]
