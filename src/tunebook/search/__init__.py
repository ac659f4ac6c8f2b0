"""A search for good settings: trials on the validation split, then one run of the best.

Every method gets the same number of trials, each of the ranges that its YAML names, so that methods
are compared at equal effort. The first trial is the default. The points are known before the first
trial begins (`tunebook.search.points`), so trials may happen in any order, in any process, be cut
off and continued, and the same command always finds the same winner.
"""

from tunebook.search.searching import is_trial, run_with_search
from tunebook.search.trials import WINNER, Search, plan, refuse_the_seed_of_trials

__all__ = ["WINNER", "Search", "is_trial", "plan", "refuse_the_seed_of_trials", "run_with_search"]
