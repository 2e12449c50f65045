"""Where branches start and go, and where whole imagined rollouts go: exact laws on the twin.

Taught in chapter 5: the error of a step depends on where it is taken, and imagined states leave the
data.
"""

import numpy as np

from mbpo_teach import exact, language, mdp
from mbpo_teach.figures.plate import Plate
from mbpo_teach.figures.whereabouts import Frame, build
from mbpo_teach.twin import BINS
from mbpo_teach.widgets.branches import COUNTS, counted_model, idle_policy, twin_case
from mbpo_teach.widgets.lab import Choice, Lab, Slider, View

STEPS = 40
_GAMMA = 0.9
_DARKEST = 0.3


def whereabouts_lab() -> Lab:
    """Return sliders over the branch's length and the number of transitions."""
    controls = (
        Slider(name="k", words="branches.k_slider", low=0, high=STEPS, step=1, value=10),
        Choice(name="count", words="branches.count", options=COUNTS, value=COUNTS[0]),
    )

    def make_view() -> View:
        draw = build(steps=STEPS, most=_DARKEST)

        def view(*, k: int, count: float) -> tuple[Plate, str]:
            frame = measure(k=k, count=int(count))
            said = language.text(
                "whereabouts.say",
                count=int(count),
                k=k,
                moved=exact.total_variation(frame.branched.ravel(), frame.starts.ravel()),
                whole=exact.total_variation(frame.whole.ravel(), frame.starts.ravel()),
                first=frame.branch_errors[0],
                error=frame.branch_errors[k],
                last=frame.whole_errors[-1],
                steps=STEPS,
            )
            return draw(frame), said

        return view

    return Lab(controls, make_view)


def measure(*, k: int, count: int) -> Frame:
    """Return laws and errors for the policy that is best in the model of `count` transitions.

    Branches start where the idle policy goes for real: at a random time of discounted weight.
    Whole rollouts start where episodes do, and their map is of the discounted visits in the model.
    """
    case = twin_case(count, 0.0, _GAMMA)
    world, model = case.world, counted_model(count)
    imagined_world = mdp.TabularMDP(
        transition=model, reward=world.reward, start=world.start, gamma=_GAMMA
    )
    policy = mdp.value_iteration(imagined_world)[1]
    error = mdp.policy_reward(exact.total_variation(world.transition, model), policy)
    starts = visits(world, mdp.policy_transition(world.transition, idle_policy()))
    steps = mdp.policy_transition(model, policy)
    branch, whole = _laws(starts, steps), _laws(world.start, steps)
    return Frame(
        k=k,
        starts=_cells(starts),
        branched=_cells(branch[k]),
        whole=_cells(visits(world, steps)),
        branch_errors=branch @ error,
        whole_errors=whole @ error,
    )


def visits(world: mdp.TabularMDP, steps: np.ndarray) -> np.ndarray:
    """Return the law of the state at a random time of weight (1 - gamma) gamma^t, (state,)."""
    system = np.eye(world.state_count) - world.gamma * steps
    return np.asarray((1 - world.gamma) * np.linalg.solve(system.T, world.start))


def _laws(start: np.ndarray, steps: np.ndarray) -> np.ndarray:
    laws = [start]
    for _ in range(STEPS):
        laws.append(laws[-1] @ steps)
    return np.array(laws)


def _cells(law: np.ndarray) -> np.ndarray:
    return law.reshape(BINS, BINS)
