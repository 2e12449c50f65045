"""The lab in which steps are accepted, and the true return never drops.

On chapter 4's river, where theorem 4.1 accepted nothing: one learner trusts theorem 4.3, the other
whole imagined rollouts with the same eps_m'. Taught in chapter 5.
"""

from functools import cache

from mbpo_teach.figures.climb import Climb, Frame, build
from mbpo_teach.figures.plate import Plate
from mbpo_teach.ground import language
from mbpo_teach.ground.seeding import generator
from mbpo_teach.tables import mdp, river
from mbpo_teach.theory.improvement import improve
from mbpo_teach.widgets.lab import Choice, Lab, View

ROUNDS = 12
GAMMAS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
COUNTS = (1_000, 10_000, 100_000, 1_000_000)
SHIFTS = (0.02, 0.05, 0.1, 0.2, 0.5)
LONGEST = 40


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
            branched = climb(gamma, int(count), largest_shift)
            whole = climb(gamma, int(count), largest_shift, max_length=None)
            return draw(Frame(branched, whole)), sentence(branched, whole)

        return view

    return Lab(controls, make_view)


def sentence(branched: Climb, whole: Climb) -> str:
    """Return the sentence that states what both learners reached, in the current language."""
    accepted = branched.accepted
    said = [
        language.text(
            "climb.say",
            rounds=ROUNDS,
            accepted=len(accepted),
            first=branched.first,
            last=branched.last,
            share=branched.last / branched.best,
        )
    ]
    if accepted:
        lengths = [offer.k for offer in accepted if offer.k is not None]
        said.append(
            language.text(
                "climb.say_lengths",
                shortest=min(lengths),
                longest=max(lengths),
                error=f"{max(offer.eps_m_prime for offer in accepted):.2g}",
            )
        )
    other = language.text(
        "climb.say_whole",
        accepted=len(whole.accepted),
        last=whole.last,
        share=whole.last / whole.best,
    )
    return language.join(said) + "\n" + other


@cache
def climb(
    gamma: float, count: int, largest_shift: float, *, max_length: int | None = LONGEST
) -> Climb:
    """Return the rounds with branches of up to `max_length` steps, or, for None, without any."""
    world = river.river_swim(gamma=gamma)
    data_policy = river.swim_evenly()
    found = improve(
        world,
        data_policy,
        rounds=ROUNDS,
        count=count,
        largest_shift=largest_shift,
        max_length=max_length,
        rng=generator(5, "climb"),
    )
    return Climb(list(found), mdp.exact_return(world, data_policy), mdp.best_return(world))
