"""The lab that tells policy shift from compounding error. Taught in chapter 4.

Both sliders set exact quantities of the exact lab's river. The curve is the distance between the
laws of the imagined and of the real state, both under the moved policy: it answers to the model
error alone when that is zero, however far the policy has moved.
"""

from mbpo_teach.figures.plate import Plate
from mbpo_teach.figures.two_errors import Frame, build
from mbpo_teach.ground import language
from mbpo_teach.theory import bounds, cases, drift
from mbpo_teach.theory.cases import MAX_EPS_M, MAX_EPS_PI
from mbpo_teach.widgets.lab import Guess, Lab, Slider, View

_GAMMA = 0.8
_STEPS = 40
_GUESS = Guess(words="two_errors.guess", low=0, high=0.6)


def two_errors_lab() -> Lab:
    """Return the lab."""
    sliders = (
        Slider(name="eps_m", words="exact_lab.eps_m", low=0, high=MAX_EPS_M, step=0.01, value=0.1),
        Slider(name="eps_pi", words="exact_lab.eps_pi", low=0, high=MAX_EPS_PI, step=0.01, value=0),
    )

    def make_view() -> View:
        draw = build(steps=_STEPS)

        def view(*, eps_m: float, eps_pi: float) -> tuple[Plate, str]:
            case = cases.river_case(eps_m=eps_m, eps_pi=eps_pi, gamma=_GAMMA)
            distances = drift.state_drift(case, steps=_STEPS)
            ceilings = bounds.state_drift_ceiling(range(_STEPS + 1), eps_m_prime=case.eps_m_prime)
            said = language.text(
                "two_errors.sentence",
                eps_m=eps_m,
                eps_pi=eps_pi,
                five=distances[5],
                last=distances[-1],
                steps=_STEPS,
            )
            return draw(Frame(distances, ceilings)), said

        return view

    named = {
        "two_errors.only_shift": {"eps_m": 0.0, "eps_pi": MAX_EPS_PI},
        "two_errors.only_error": {"eps_m": 0.1, "eps_pi": 0.0},
    }
    return Lab(sliders, make_view, settings=named, guess=_GUESS)
