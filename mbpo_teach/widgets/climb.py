"""The lab in which theorem 4.3 accepts steps, and the true return never drops.

On chapter 4's river, where theorem 4.1 accepted nothing. Taught in chapter 5.
"""

from functools import cache

from mbpo_teach.figures.climb import Frame, build
from mbpo_teach.figures.plate import Plate
from mbpo_teach.ground import language
from mbpo_teach.ground.seeding import generator
from mbpo_teach.tables import mdp, river
from mbpo_teach.theory.improvement import Round, improve
from mbpo_teach.widgets.lab import Choice, Lab, View

ROUNDS = 12
GAMMAS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
COUNTS = (1_000, 10_000, 100_000, 1_000_000)
SHIFTS = (0.02, 0.05, 0.1, 0.2, 0.5)
_LONGEST = 40


def climb_lab() -> Lab:
    """Return the lab."""
    controls = (
        Choice(name="gamma", words="exact_lab.gamma", options=GAMMAS, value=0.5),
        Choice(name="count", words="climb.count", options=COUNTS, value=1_000_000),
        Choice(name="largest_shift", words="climb.largest_shift", options=SHIFTS, value=0.2),
    )

    def make_view() -> View:
        draw = build(rounds=ROUNDS)

        def view(*, gamma: float, count: float, largest_shift: float) -> tuple[Plate, str]:
            found, first, best = climb(gamma, int(count), largest_shift)
            accepted = [each.offer for each in found if each.accepted]
            said = [
                language.text(
                    "climb.say",
                    rounds=ROUNDS,
                    accepted=len(accepted),
                    first=first,
                    last=found[-1].true_return,
                    share=found[-1].true_return / best,
                )
            ]
            if accepted:
                lengths = [offer.k for offer in accepted]
                said.append(
                    language.text(
                        "climb.say_lengths",
                        shortest=min(lengths),
                        longest=max(lengths),
                        error=f"{max(offer.eps_m_prime for offer in accepted):.2g}",
                    )
                )
            return draw(Frame(found, first, best)), language.join(said)

        return view

    return Lab(controls, make_view)


@cache
def climb(gamma: float, count: int, largest_shift: float) -> tuple[list[Round], float, float]:
    """Return the rounds, the true return before them, and the best that any policy has."""
    world = river.river_swim(gamma=gamma)
    data_policy = river.swim_evenly()
    found = improve(
        world,
        data_policy,
        rounds=ROUNDS,
        count=count,
        largest_shift=largest_shift,
        max_length=_LONGEST,
        rng=generator(5, "climb"),
    )
    return list(found), mdp.exact_return(world, data_policy), mdp.best_return(world)
