"""The labs of chapter 5 show what the library computes, and the chapter's claims hold."""

import itertools

import numpy as np
import pytest

from mbpo_teach.figures import branches as branches_figure
from mbpo_teach.ground import language
from mbpo_teach.records import archive
from mbpo_teach.tables import mdp
from mbpo_teach.tables import twin as pendulum
from mbpo_teach.theory import bounds, cases, exact
from mbpo_teach.widgets import branches, climb, lengths, shift, whereabouts

HAND = {"eps_m": 0.01, "slope": 0.0, "eps_pi": 0.1, "gamma": 0.9, "count": 30_000}


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("MBPO_LANG", "en")
    monkeypatch.setattr(language, "_chosen", [])
    monkeypatch.setattr(language, "_listeners", [])


@pytest.fixture(scope="module")
def record():
    return archive.load("errors_Hopper-v5").arrays


def by_hand(**changes):
    return branches.measure(**(HAND | {"measured": False, "k": 5} | changes), longest=50)


def on_the_twin(**changes):
    return branches.measure(**(HAND | {"measured": True, "k": 5} | changes), longest=50)


# The figure at the centre, in two steps.


def test_the_first_step_shows_the_two_parts_and_nothing_else():
    lab = branches.forces_lab()
    (panel,) = lab.plate.figure.axes
    named = {line.get_label() for line in panel.lines if not line.get_label().startswith("_")}
    assert named == {"penalty of theorem 4.3"}
    assert "k* = 22: 6.37, 0.32 of" in lab.sentence
    for words in ("Tight", "theorem 4.2", "Whole", "e(5)"):
        assert words not in lab.sentence
    lab.move(eps_m_prime=0.05, k=7)
    frame, _ = by_hand(eps_m=0.05, k=7)
    assert f"penalty is {frame.penalty[7]:.4g}: " in lab.sentence
    lab.move(eps_m_prime=0.3, k=50, gamma=0.99, eps_pi=0.5)
    assert "penalty is 9,050: " in lab.sentence  # never 9.05e+03
    lab.move(eps_m_prime=0.05, k=7, gamma=0.9, eps_pi=0.1)
    (total,) = (line for line in panel.lines if line.get_label() == "penalty of theorem 4.3")
    np.testing.assert_allclose(
        total.get_ydata(), branches_figure.height(frame.penalty / frame.trivial)
    )


def test_the_upper_panel_is_chapter_3s_measurement(record):
    errors = branches.measured_errors(record, 3_000)
    assert record["sizes"].tolist().index(3_000) == 2
    measured = record["actions.ensemble"][2]
    np.testing.assert_allclose(errors.middle, np.nanmedian(measured, axis=0)[1:])
    np.testing.assert_allclose(errors.high, np.nanquantile(measured, 0.9, axis=0)[1:])
    apart = np.nanmedian(record["actions.disagreement"][2], axis=0)[1:]
    np.testing.assert_allclose(errors.disagreement, apart)
    with pytest.raises(ValueError, match="size must be one of"):
        branches.measured_errors(record, 7)


def test_the_informative_defaults():
    frame, setting = by_hand()
    assert setting == {"gamma": 0.9, "r_max": 1.0, "eps_m_prime": 0.01, "eps_pi": 0.1}
    assert frame.best == 22 == int(frame.penalty.argmin())
    assert frame.penalty[22] / frame.trivial == pytest.approx(0.32, abs=0.005)
    assert frame.bound == pytest.approx(41.8)
    assert frame.gap is None  # no world, no gap
    assert frame.whole == pytest.approx(1.8)
    assert frame.whole < frame.penalty.min()


def test_the_two_parts_are_those_of_the_theorem():
    frame, setting = by_hand(slope=0.3, gamma=0.8)
    k = np.arange(51)
    assert setting["eps_m_prime"] == pytest.approx(0.04)
    np.testing.assert_allclose(frame.shift_part, 2 * 0.8**k * 0.1 / 0.2**2)
    np.testing.assert_allclose(frame.model_part, 2 * k * 0.04 / 0.2)
    np.testing.assert_allclose(
        frame.penalty, bounds.branched_penalty_on_policy(k, **setting), rtol=1e-12
    )
    assert (np.diff(frame.tight[1:]) < 0).all()  # no minimum inside
    # Theorem 4.2 knows eps_m only, and never falls.
    expected = bounds.branched_penalty(k, gamma=0.8, r_max=1, eps_m=0.01, eps_pi=0.1)
    np.testing.assert_array_equal(frame.pessimistic, expected)
    assert (np.diff(frame.pessimistic) > 0).all()


@pytest.mark.parametrize(
    ("count", "eps_pi", "gamma"),
    list(itertools.product((1_000, 100_000), (0.0, 0.1, 0.5), (0.0, 0.9, 0.99))),
)
def test_as_measured_everything_is_the_twins(count, eps_pi, gamma):
    frame, setting = on_the_twin(count=count, eps_pi=eps_pi, gamma=gamma)
    case = cases.twin_case(count=count, eps_pi=eps_pi, gamma=gamma)
    assert exact.policy_shift(case.policy, case.data_policy) == pytest.approx(eps_pi, abs=1e-12)
    assert setting["eps_m_prime"] == exact.model_error(case.world, case.model, case.policy)
    assert setting["r_max"] == case.world.r_max
    returns = exact.branched_returns(
        case.world, case.model, case.policy, case.data_policy, max_length=50
    )
    true_return = mdp.exact_return(case.world, case.policy)
    np.testing.assert_array_equal(frame.gap, np.abs(true_return - returns))
    # Theorems 4.2 and 4.3, and the tight variant.
    assert (true_return >= returns - frame.pessimistic - 1e-9).all()
    assert (true_return >= returns - frame.penalty - 1e-9).all()
    assert (frame.gap <= frame.tight + 1e-9).all()
    model_return = mdp.exact_return(case.world, case.policy, case.model)
    assert abs(true_return - model_return) <= frame.whole + 1e-9
    assert frame.bound == bounds.performance_bound(
        gamma=gamma, r_max=case.world.r_max, eps_m=case.eps_m, eps_pi=eps_pi
    )


def test_as_measured_locks_the_model_errors_and_shows_them(record):
    lab = branches.branches_lab(record, world="Hopper-v5", size=3_000)
    assert lab.locked == ("count",)
    by_hand_sentence = lab.sentence
    assert "gap |η" not in by_hand_sentence
    lab.move(measured=True)
    assert set(lab.locked) == {"eps_m", "slope"}
    case = cases.twin_case(count=30_000, eps_pi=0.1, gamma=0.9)
    assert lab.values["eps_m"] == pytest.approx(case.eps_m, abs=5e-5)
    rise = (case.eps_m_prime - case.eps_m) / 0.1
    assert lab.values["slope"] == pytest.approx(rise, abs=5e-5)
    assert f"ε_m′ = {case.eps_m_prime:.3g} " in lab.sentence
    frame, _ = on_the_twin()
    assert f"gap |η − η_k| at k = 5 is {frame.gap[5]:.3g}" in lab.sentence
    lab.move(measured=False)
    assert lab.sentence == by_hand_sentence
    assert lab.values["eps_m"] == 0.01


def test_measured_numbers_fit_on_the_sliders(record):
    lab = branches.branches_lab(record, world="Hopper-v5", size=3_000)
    lab.move(measured=True)
    for count, eps_pi in itertools.product(cases.COUNTS, (0.0, 0.01, 0.1, 0.5)):
        lab.move(count=count, eps_pi=eps_pi)
        case = cases.twin_case(count=count, eps_pi=eps_pi, gamma=0.9)
        assert lab.values["eps_m"] == pytest.approx(case.eps_m, abs=5e-5)
        rise = case.eps_m_prime - case.eps_m
        assert lab.values["slope"] * eps_pi == pytest.approx(rise, abs=5e-5)


def test_lengths_beyond_the_picture_and_without_end(record):
    lab = branches.branches_lab(record, world="Hopper-v5", size=3_000)
    lab.move(gamma=0.99)
    assert "k* = 230" in lab.sentence
    lab.move(eps_m=0)
    assert "k* is infinite" in lab.sentence
    lab.move(k=0)
    assert "e(0)" not in lab.sentence
    lab.move(gamma=0, eps_m=0.2)
    assert "k* = 0" in lab.sentence


def test_two_panels_share_k_and_no_axis_is_drawn_over_another(record):
    lab = branches.branches_lab(record, world="Hopper-v5", size=3_000)
    lab.move(measured=True)
    above, below = lab.plate.figure.axes  # and no third: a twin axis would be one
    assert above.get_xlim() == below.get_xlim() == (0, 50)
    assert not above.bbox.overlaps(below.bbox)
    drawn = {line.get_label(): line.get_ydata() for line in below.lines}
    frame, _ = on_the_twin()
    for words, curve in {
        "penalty of theorem 4.3": frame.penalty,
        "penalty of theorem 4.2": frame.pessimistic,
        "tight variant": frame.tight,
        "whole rollouts with the same $\\epsilon_m'$": np.full(51, frame.whole),
        "$C$ of theorem 4.1, with $\\epsilon_m$": np.full(51, frame.bound),
        "exact gap $|\\eta - \\eta_k|$ (twin)": frame.gap,
    }.items():
        np.testing.assert_allclose(
            drawn[words], branches_figure.height(np.array(curve) / frame.trivial)
        )
    (point,) = (line for line in above.lines if line.get_marker() == "o")
    errors = branches.measured_errors(record, 3_000)
    assert (point.get_xdata(), point.get_ydata()) == ([5], [errors.middle[4]])


@pytest.mark.parametrize("spoken", ["en", "zh"])
def test_no_words_lie_on_others_at_any_end_of_the_sliders(record, spoken):
    language.use(spoken)
    draw = branches_figure.build(branches.measured_errors(record, 10_000), world="Hopper-v5")
    ends = {
        "measured": (False, True),
        "eps_m": (0.0, 0.01, 0.3),
        "eps_pi": (0.1, 0.5),
        "gamma": (0.0, 0.9, 0.99),
    }
    for values in itertools.product(*ends.values()):
        frame, _ = by_hand(**dict(zip(ends, values, strict=True)))
        figure = draw(frame).figure
        panel = figure.axes[1]
        words = [*panel.texts, panel._left_title, panel._right_title]
        boxes = [text.get_window_extent() for text in words if text.get_text()]
        for one, other in itertools.combinations(boxes, 2):
            assert not one.overlaps(other), values
        assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)


def test_the_chapters_claims_about_the_twin():
    bests = {count: on_the_twin(count=count)[0].best for count in cases.COUNTS}
    assert bests == {1_000: 0, 3_000: 0, 10_000: 3, 30_000: 9, 100_000: 14}
    shares = {count: on_the_twin(count=count)[0] for count in cases.COUNTS}
    whole = {count: round(frame.whole / frame.trivial, 2) for count, frame in shares.items()}
    assert whole[30_000] == 0.38 and whole[100_000] == 0.21
    assert whole[1_000] > 1 and whole[3_000] > 1
    few, setting = on_the_twin(count=30_000)
    assert setting["eps_m_prime"] == pytest.approx(0.042, abs=5e-4)
    assert few.penalty[9] / few.trivial == pytest.approx(0.76, abs=5e-3)
    assert all((frame.gap / frame.penalty).max() < 0.01 for frame in shares.values())
    frame, setting = on_the_twin(count=100_000)
    assert setting["eps_m_prime"] == pytest.approx(0.024, abs=5e-4)
    assert frame.penalty[14] / frame.trivial == pytest.approx(0.56, abs=0.005)


def test_the_chapters_claims_about_the_measured_error(record):
    errors = branches.measured_errors(record, 10_000)
    told = [f"{error:.2g}" for error in errors.middle[[0, 4, 19, 49]]]
    assert told == ["0.024", "0.081", "0.27", "1.8"]
    assert (np.diff(errors.middle) < 0).sum() <= 1  # "rises nearly all along"
    assert (errors.disagreement[:10] < errors.middle[:10] / 2).all()


def test_where_there_is_no_future_both_penalties_can_be_zero():
    """The one edge of "below its penalty at every k" that the chapter excepts."""
    edge = {"gamma": 0.0, "r_max": 1.0, "eps_m_prime": 0.0}
    assert bounds.whole_rollout_penalty(**edge) == 0
    assert bounds.branched_penalty_on_policy(1, eps_pi=0.1, **edge) == 0


def test_the_chapters_claims_about_the_two_parts():
    def least(**changes):
        frame, setting = by_hand(**changes)
        there = bounds.branched_penalty_on_policy(frame.best, **setting)
        return frame.best, round(there / frame.trivial, 2)

    assert least(eps_m=0.05) == (7, 0.83)
    assert least(eps_m=0.1)[0] == 0
    assert least(eps_pi=0.3)[0] == 33
    assert least(gamma=0.95)[1] == 0.65
    assert least(gamma=0.99) == (230, 3.29)
    textbook = {"gamma": 0.99, "r_max": 1, "eps_m_prime": 0.05}
    assert bounds.whole_rollout_penalty(**textbook) == pytest.approx(990)
    assert by_hand(eps_m=0.3)[0].whole > by_hand(eps_m=0.3)[0].penalty.min()


# Which length is truly best.


@pytest.mark.parametrize(
    ("twin", "eps_m_prime", "eps_pi", "gamma"),
    list(itertools.product((False, True), (0.0, 0.05, 0.2), (0.0, 0.1, 0.5), (0.0, 0.9, 0.99))),
)
def test_no_gap_exceeds_the_penalties(twin, eps_m_prime, eps_pi, gamma):
    frame = lengths.measure(twin=twin, k=0, eps_m_prime=eps_m_prime, eps_pi=eps_pi, gamma=gamma)
    assert (frame.gap <= frame.penalty + 1e-9).all()
    assert (frame.gap <= frame.tight + 1e-9).all()
    assert abs(frame.model_return - frame.true_return) <= frame.whole + 1e-9
    # The shortest of the best: all shorter ones are worse, and no longer one is better.
    assert (frame.gap[: frame.truly_best] > frame.gap[frame.truly_best]).all()
    assert frame.gap[frame.truly_best] == pytest.approx(frame.gap.min(), rel=0, abs=1e-11)


def test_the_same_errors_two_worlds_two_best_lengths():
    errors = {"eps_m_prime": 0.01, "eps_pi": 0.1, "gamma": 0.9}
    swim, swing = (lengths.measure(twin=twin, k=22, **errors) for twin in (False, True))
    assert swim.best == swing.best == 22
    assert swim.truly_best == 9
    assert swing.truly_best > 100
    for frame in (swim, swing):
        assert (frame.gap / frame.penalty).max() < 0.01


def test_rounding_is_no_difference_between_lengths():
    """Perfect model, unmoved policy: every length is exact, and the picture is a straight line."""
    lab = lengths.lengths_lab()
    for twin, gamma in itertools.product((False, True), (0.0, 0.9, 0.99)):
        lab.move(twin=twin, gamma=gamma, eps_m_prime=0.0, eps_pi=0.0)
        frame = lengths.measure(twin=twin, k=0, gamma=gamma, eps_m_prime=0.0, eps_pi=0.0)
        assert frame.truly_best == 0
        assert "gap is smallest at k = 0" in lab.sentence
        curve = lab.plate.figure.axes[0].lines[0].get_ydata()
        np.testing.assert_allclose(curve, 0, atol=1e-9)


def test_the_chapters_claims_about_lengths():
    for twin in (False, True):
        frame = lengths.measure(twin=twin, k=2, eps_m_prime=0.1, eps_pi=0.1, gamma=0.9)
        assert frame.best == 0
        assert frame.gap[2] < frame.gap[0] / 3
        assert (frame.gap / frame.penalty).max() < 0.01
    swing = lengths.measure(twin=True, k=2, eps_m_prime=0.01, eps_pi=0.1, gamma=0.9).gap
    assert (np.diff(swing[:10]) > 0).any()  # up and down before ten steps
    assert (np.diff(swing[10:60]) < 0).all()  # from there on longer is better,
    assert swing[30] < 0.0004 and swing[30] - swing[-1] < 0.0001  # by a little after thirty


def test_lengths_lab_says_what_the_library_gives():
    lab = lengths.lengths_lab()
    lab.move(k=9, gamma=0.95)
    frame = lengths.measure(twin=False, k=9, eps_m_prime=0.01, eps_pi=0.1, gamma=0.95)
    assert f"the gap is {frame.gap[9]:.3g}" in lab.sentence
    assert f"allows {frame.penalty[9]:.4g};" in lab.sentence
    assert f"are allowed {frame.whole:.4g}." in lab.sentence
    (whole,) = (
        line
        for line in lab.plate.figure.axes[1].lines
        if line.get_label() == "whole rollouts with the same $\\epsilon_m'$"
    )
    np.testing.assert_allclose(whole.get_ydata(), frame.whole / frame.trivial)
    assert "k* = 45" in lab.sentence
    lab.move(eps_m_prime=0)
    assert "k* = ∞" in lab.sentence


# The model error away from the data.


def test_the_slope_falls_as_data_grow():
    shifts, errors, slopes = shift.measure()
    assert errors.shape == (shift.SEEDS, len(cases.COUNTS), len(shifts))
    assert (np.diff(slopes.mean(axis=0)) < 0).all()
    np.testing.assert_allclose(slopes.mean(axis=0)[[0, -1]], [0.285, 0.026], atol=5e-4)
    # The law of figure 1: a straight line.
    line = errors[..., :1] + slopes[..., None] * shifts
    assert np.abs(line - errors).max() < 0.04
    lab = shift.shift_lab()
    lab.move(count=10_000)
    assert f"slope is {slopes[:, 2].mean():.3f} " in lab.sentence


def test_branches_leave_the_data_where_data_are_few():
    few, many = (whereabouts.measure(k=10, count=count) for count in (1_000, 100_000))
    np.testing.assert_allclose(
        few.branch_errors[[0, 5, 10, 40]], [0.37, 0.54, 0.63, 0.69], atol=5e-3
    )
    assert many.branch_errors.max() < 0.045
    for frame in (few, many):
        for law in (frame.starts, frame.branched, frame.whole):
            assert law.sum() == pytest.approx(1)
    # A branch of five steps meets the errors of j = 0 to 4.
    assert few.branch_errors[:5].max() == pytest.approx(0.51, abs=5e-3)
    assert many.branch_errors.min() == pytest.approx(0.037, abs=5e-4)
    assert many.branch_errors.max() == pytest.approx(0.043, abs=5e-4)
    # eps_m' is one number, and real steps stay below it: what grows is met at imagined states.
    assert few.eps_m_prime == pytest.approx(0.418, abs=5e-4)
    np.testing.assert_allclose(
        [few.true_errors.min(), few.true_errors.max()], [0.37, 0.405], atol=5e-4
    )
    np.testing.assert_allclose(
        [many.true_errors.min(), many.true_errors.max()],
        [many.branch_errors.min(), many.branch_errors.max()],
        atol=5e-4,
    )
    assert np.abs(few.whole_errors[2:] - few.branch_errors[2:]).max() < 0.03
    assert few.branched.max() == pytest.approx(0.77, abs=5e-3)
    assert few.whole_errors[0] == pytest.approx(0.315, abs=5e-4)


def test_the_map_and_the_mark_tell_where_branches_are():
    lab = whereabouts.whereabouts_lab()
    frame = whereabouts.measure(k=10, count=1_000)
    assert f"In one cell there are {frame.branched.max():.0%} " in lab.sentence
    assert f"{frame.whole_errors[10]:.3f} after 10 steps" in lab.sentence
    below = lab.plate.figure.axes[-1]
    for k in (0, 5, 40):
        lab.move(k=k)
        assert f"a branch of k = {k} stops here" in [text.get_text() for text in below.texts]
        (stop,) = (line for line in below.lines if list(line.get_ydata()) == [0, 1])
        assert list(stop.get_xdata()) == [k - 0.5] * 2  # its last step met the error of j = k - 1


def test_the_start_of_branches_is_the_data_policys_visits():
    frame = whereabouts.measure(k=0, count=1_000)
    np.testing.assert_array_equal(frame.branched, frame.starts)
    world = cases.twin_case(count=1_000, eps_pi=0.0, gamma=0.9).world
    laws = mdp.state_distributions(world, pendulum.idle_policy(), horizon=400)
    weighted = 0.1 * (0.9 ** np.arange(401))[:, None] * laws
    np.testing.assert_allclose(frame.starts.ravel(), weighted.sum(axis=0), atol=1e-12)


def test_the_model_promises_a_rest_that_it_saw_once():
    """Chapter 5's story: one visit, one stay, and the model believes in it for ever."""
    case = cases.twin_case(count=1_000, eps_pi=0.0, gamma=0.9)
    policy = cases.best_in_model(case).policy
    cell = int(whereabouts.measure(k=10, count=1_000).whole.argmax())
    action = int(policy[cell].argmax())
    assert case.model[cell, action, cell] == 1
    states, actions, nexts = (column[:1_000] for column in pendulum._walk(5))
    assert nexts[(states == cell) & (actions == action)].tolist() == [cell]
    frame = whereabouts.measure(k=10, count=1_000)
    assert frame.branched.argmax() == frame.whole.argmax() == cell
    assert case.world.transition[cell, action, cell] == pytest.approx(0.3125)
    assert mdp.exact_return(case.world, policy, case.model) == pytest.approx(-1.764, abs=5e-4)
    assert mdp.exact_return(case.world, policy) == pytest.approx(-3.188, abs=5e-4)
    assert mdp.best_return(case.world) == pytest.approx(-2.736, abs=5e-4)


# Accepted steps.


def test_the_true_return_never_drops_on_the_whole_grid():
    accepted, behind = {climb.LONGEST: 0, None: 0}, []
    for setting in itertools.product(climb.GAMMAS, climb.COUNTS, climb.SHIFTS):
        walks = {longest: climb.climb(*setting, max_length=longest) for longest in accepted}
        for longest, walk in walks.items():
            before = walk.first
            for each in walk.rounds:
                assert each.true_return >= before
                assert each.true_return > before or not each.accepted
                assert each.true_return <= walk.best + 1e-9
                before = each.true_return
            accepted[longest] += len(walk.accepted)
        branched, whole = walks.values()
        assert len(whole.accepted) >= len(branched.accepted)
        if whole.last < branched.last - 1e-9:
            behind.append((setting, whole.last / whole.best))
    assert accepted == {climb.LONGEST: 415, None: 1_034}
    assert behind == [((0.1, 1_000, 0.2), pytest.approx(0.97, abs=5e-3))]


def test_the_chapters_claims_about_accepted_steps():
    def told(gamma=0.5, count=1_000_000, largest=0.2):
        found, _, best = climb.climb(gamma, count, largest)
        accepted = [each.offer.k for each in found if each.accepted]
        return accepted, found[0].true_return / best, found[-1].true_return / best

    accepted, _, last = told()
    assert len(accepted) == 7
    assert set(accepted) <= {8, 9, 10}
    assert last > 0.999
    accepted, _, last = told(count=100_000)
    assert len(accepted) == 2
    assert last == pytest.approx(0.81, abs=5e-3)
    assert told(largest=0.02)[0] == []
    assert told(largest=0.5)[1] == pytest.approx(0.999, abs=5e-4)
    assert [bool(told(gamma=0.9, largest=largest)[0]) for largest in climb.SHIFTS] == [
        False
    ] * 4 + [True]


def test_the_chapters_claims_about_accepting_without_branches():
    def told(gamma=0.5, count=1_000_000, largest=0.2):
        walk = climb.climb(gamma, count, largest, max_length=None)
        return len(walk.accepted), round(walk.last / walk.best, 2)

    assert told() == (7, 1.0)
    assert told(count=100_000) == (7, 1.0)
    assert told(count=10_000) == (6, 0.98)
    assert told(count=1_000)[0] == 2
    assert told(largest=0.02)[0] == climb.ROUNDS
    accepting = [told(gamma=0.9, largest=largest)[0] > 0 for largest in climb.SHIFTS]
    assert accepting == [False] + [True] * 4
    branched = climb.climb(0.5, 10_000, 0.2)
    assert (len(branched.accepted), round(branched.last / branched.best, 2)) == (2, 0.81)
    # In fewer rounds: every one of the first seven offers is accepted.
    whole = climb.climb(0.5, 1_000_000, 0.2, max_length=None)
    assert [each.accepted for each in whole.rounds] == [True] * 7 + [False] * 5


def test_climb_lab_says_what_the_library_gives():
    lab = climb.climb_lab()
    found, first, best = climb.climb(0.5, 1_000_000, 0.2)
    assert f"accepts {sum(each.accepted for each in found)}." in lab.sentence
    assert f"from {first:.4f} to {found[-1].true_return:.4f}" in lab.sentence
    assert found[-1].true_return / best > 0.99
    whole = climb.climb(0.5, 1_000_000, 0.2, max_length=None)
    assert f"accept {len(whole.accepted)} and reach {whole.last:.4f}" in lab.sentence
    left, right = lab.plate.figure.axes
    for axes, walk in ((left, (found, first, best)), (right, whole)):
        (steps,) = (line for line in axes.lines if line.get_drawstyle() == "steps-post")
        returns = [walk[1], *(each.true_return for each in walk[0])]
        np.testing.assert_allclose(steps.get_ydata() * best, returns)
    lab.move(count=1_000)
    assert "accepts 0." in lab.sentence


@pytest.mark.parametrize(
    "make",
    [
        branches.forces_lab,
        lengths.lengths_lab,
        shift.shift_lab,
        whereabouts.whereabouts_lab,
        climb.climb_lab,
    ],
)
def test_labs_speak_both_languages_and_answer_their_sliders(make):
    lab = make()
    english = lab.sentence
    language.use("zh")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in lab.sentence)
    language.use("en")
    assert lab.sentence == english
    before = lab.panel.frame["png"]
    move = {"twin": True, "count": 10_000, "gamma": 0.5}
    name = next(name for name in move if name in lab.values)
    lab.move(**{name: move[name]})
    assert lab.panel.frame["png"] != before
