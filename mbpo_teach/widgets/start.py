"""The first slider of the course: the discount, and how far ahead it looks (chapter 00)."""

from mbpo_teach.figures.plate import Plate
from mbpo_teach.figures.start import Frame, build
from mbpo_teach.ground.language import text
from mbpo_teach.theory.bounds import largest_return
from mbpo_teach.widgets.lab import Guess, Lab, Slider, View


def discount_lab() -> Lab:
    """Return the slider over the weights gamma^t and the largest possible return."""
    gamma = Slider(name="gamma", words="exact_lab.gamma", low=0.0, high=0.99, step=0.01, value=0.9)
    return Lab([gamma], _view, guess=Guess(words="start.guess", low=0, high=120))


def _view() -> View:
    draw = build()

    def view(gamma: float) -> tuple[Plate, str]:
        horizon = largest_return(gamma=gamma, r_max=1)
        sentence = text("start.sentence", gamma=gamma, horizon=horizon, next=gamma, ten=gamma**10)
        return draw(Frame(gamma)), sentence

    return view
