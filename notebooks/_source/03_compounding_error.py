# %% [markdown] tags=["lang-en"]
# # 03 · Compounding error: small errors grow
#
# A model that is right about the next step to three digits can be wrong about everything fifty steps later: small errors
# compound. This chapter measures how they grow, in three worlds, and finds out what decides the speed. Terms are explained
# in the [glossary](../../docs/glossary.md).
#
# | this chapter | in short |
# |---|---|
# | **Objectives** | Measure the $k$-step error of a model fairly; tell errors that are handed on from errors that are newly made; read the growth rate off a curve and say where it comes from; say what more data change and what an ensemble knows of its own errors; tell a proxy from the paper's model error $\epsilon_m$. |
# | **Prerequisites** | Chapter [02](02_ensemble.ipynb) (a probabilistic ensemble), or the idea of one: several networks, trained on the same data, that predict the next state. Eigenvalues help in one section. |
# | **Reading time** | 75 minutes with the exercises |
# | **Run time** | about 30 s on two cores |
# | **Language** | English · [中文](../zh/03_compounding_error.ipynb) |

# %% [markdown] tags=["lang-zh"] twin="15faffbd"
# # 03 · 复合误差：小误差会长大
#
# 一个模型，下一步能预测准到三位数字，五十步之后却可能全错：小误差会一步步累积成**复合误差（compounding error）**。本章在三个世界里测量误差怎样增长，并找出是什么决定了增长的快慢。术语见[术语表](../../docs/glossary.md)。
#
# | 本章 | 概要 |
# |---|---|
# | **学习目标** | 公平地测量模型的 $k$ 步误差；分清传下来的误差和新产生的误差；从曲线上读出增长率，说清它从何而来；说出更多的数据能改变什么、模型集成对自己的误差知道多少；分清代理量与论文中的模型误差 $\epsilon_m$。 |
# | **预备知识** | 第 [02](02_ensemble.ipynb) 章的概率模型集成；或者只要知道它的意思：用同一批数据训练若干个网络，各自预测下一个状态。有一节会用到特征值。 |
# | **阅读时间** | 连同练习 75 分钟 |
# | **运行时间** | 双核机器上约 30 秒 |
# | **语言** | [English](../en/03_compounding_error.ipynb) · 中文 |

# %% [markdown] tags=["lang-en"]
# ## A world, a model, and the same start
#
# The first world is Gymnasium's pendulum: a rod that a weak motor turns. Its observation is $(\cos\theta, \sin\theta,
# \dot\theta)$, where $\theta = 0$ points up. Ten thousand steps with uniformly random torques are our data; four small
# ensembles learn from the first 300, 1,000, 3,000 and all of them.

# %% [markdown] tags=["lang-zh"] twin="74fe6870"
# ## 一个世界、一个模型、同一个起点
#
# 第一个世界是 Gymnasium 的摆（Pendulum-v1，国内常称倒立摆）：一根杆，由力气不大的电机转动。观测是 $(\cos\theta, \sin\theta, \dot\theta)$，$\theta = 0$
# 表示朝上。用均匀随机的力矩采集一万条真实转移，就是我们的数据；四个小的模型集成（ensemble）分别用前 300、1,000、3,000 条和全部数据来学习。

# %%
import numpy as np
import torch

from mbpo_teach.world import envs
from mbpo_teach.model import errors
from mbpo_teach.world import simulator
from mbpo_teach.model.dynamics import Ensemble, column_scale, predict
from mbpo_teach.model.fit import FitConfig, fit_ensemble
from mbpo_teach.ground.seeding import generator, torch_generator
from mbpo_teach.world.transitions import rows

torch.set_num_threads(1)  # networks this small lose more by sharing work than they gain
pendulum = envs.make("Pendulum-v1")
data = envs.collect(pendulum, steps=10_000, rng=generator(3, "data"))
scale = column_scale(data.obs)

# %%
config = FitConfig(learning_rate=3e-3, max_steps=600, elites=3, weight_decay=(2.5e-5, 5e-5, 1e-4))


def trained(transitions):
    size = len(transitions.obs)
    start, order = torch_generator(3, "weights", size), torch_generator(3, "fit")
    model = Ensemble(3, 1, members=5, hidden=(64, 64), generator=start)
    return model, fit_ensemble(model, transitions, config, generator=order).elites


sizes = (300, 1_000, 3_000, 10_000)
models = {size: trained(rows(data, slice(size))) for size in sizes}

# %% [markdown] tags=["lang-en"]
# To compare imagination with the world, both must start in the same state and do the same things. A simulator can be put
# into a state exactly. One hundred states met while acting will be our starts; from one of them the same step is taken
# twice. How far are the two results apart?

# %% [markdown] tags=["lang-zh"] twin="3b5d26a6"
# 要拿想象和世界相比，两者必须从同一个状态出发，做同样的事。仿真器可以被精确地放回某个状态。我们取行动途中遇到的一百个状态作为起始状态；从其中一个出发，把同一步走两遍，两次的结果相差多少？

# %% tags=["nbval-check-output"]
states = errors.visited_states(pendulum, count=100, every=17, rng=generator(3, "starts"))


def step_from(state, action):
    simulator.set_state(pendulum, state)
    return pendulum.step(action).obs


print(np.abs(step_from(states[0], [0.5]) - step_from(states[0], [0.5])).max())

# %% [markdown] tags=["lang-en"]
# Nothing at all. So whatever distance we are going to measure comes from the model.
#
# From each start the world now runs for 50 steps with random torques, and the model imagines 50 steps with *the same*
# torques: each member predicts the mean of the next state, the members' predictions are averaged, and the average is
# the state from which the next step is imagined. Written out:

# %% [markdown] tags=["lang-zh"] twin="14b876cc"
# 完全没有差别。所以接下来量到的任何距离，都来自模型。
#
# 现在从每个起始状态出发，世界用随机力矩走 50 步，模型则用*同样的*力矩想象 50 步：每个成员预测下一个状态的均值，各成员的预测取平均，再从这个平均状态想象下一步。写出来就是：

# %% tags=["nbval-check-output"]
torques = 2 * torch.rand(50, 100, 1, generator=torch_generator(3, "torques")) - 1
real, played = errors.real_rollouts(pendulum, states, lambda obs, step: torques[step], steps=50)

model, elites = models[1_000]
imagined = [real[:, 0]]
for step in range(50):
    members = predict(model, imagined[-1], played[:, step], members=elites)
    imagined.append(members.mean.mean(dim=0)[:, :-1])  # the last column is the reward
by_hand = torch.stack(imagined, dim=1)

ours = errors.imagine_ensemble(
    model, real[:, 0], errors.same_actions(played), steps=50, members=elites
)
print(tuple(real.shape), torch.equal(by_hand, ours))

# %% [markdown] tags=["lang-en"]
# The arrays have shape (start, time, observation), time 0 being the start itself; the library's function does the same.
#
# MBPO's own rollouts are *not* this average: each of their steps draws one of the best members, the elites, at random and
# samples the next state from it (chapter [07](07_mbpo.ipynb)). The average is usually the more accurate walk. So beside it
# we shall always draw the rollout of a *single* member, the best one, which is nearer to what MBPO meets; and by that we
# shall judge whether an ensemble knows its own error.
#
# ## The error after $k$ steps
#
# An angle and a speed have different units. Each dimension is therefore divided by its standard deviation in the data,
# $\sigma_i$, and the error of one rollout is
#
# $$e(k) = \Big\lVert \frac{\hat s_k - s_k}{\sigma} \Big\rVert .$$
#
# When does a model know nothing any more? A predictor that always says "the mean of the data" is off by one standard
# deviation in each dimension (in root mean square), so with $d$ dimensions the root mean square of its error is $\sqrt d$. Its median, computed from
# the data, is a little lower, 1.7{{pendulum_lab[2] | .1f}} here; the figures draw it as a grey dashed line. A model above that line is
# worse than that guess. Errors of different starts differ tenfold and more, so we report the median and quantiles over the
# starts, not a mean that a few of them decide. Below, "deviation" is short for standard deviation.
#
# ### Exercise 03-1: the $k$-step error
#
# Write a function that returns the median of $e(k)$ over the starts, for each time. Rollouts in the world may end early;
# from then on `real` is NaN, and such a start is left out at those times. With one start, one dimension, real
# $(0, 0)$, imagined $(0, 3)$ and deviation 2 the result is $(0, 1.5)$.
#
# <details><summary>Hint</summary>
#
# Divide by the deviation dimension by dimension, before anything is squared. The norm goes over the last axis, the
# median over the first; `np.nanmedian` leaves NaN out.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="2ed71337"
# 数组的形状是（起始状态，时间，观测），时间 0 就是起始状态本身；程序库里的函数做的是同一件事。
#
# MBPO 自己的推演*并不*取这种平均：它每一步都从几个最好的成员（精英成员，elites）中随机抽一个，再从该成员的预测分布中抽取下一个状态（第 [07](07_mbpo.ipynb) 章）。取平均的推演通常更准。所以下面总在它旁边画出*单个*成员（最好的那个）的推演：它更接近 MBPO 实际遇到的情形；集成知不知道自己错多少，也拿它来评判。
#
# ## $k$ 步之后的误差
#
# 角度和速度的单位不同，所以每个维度都除以它在数据中的标准差 $\sigma_i$，一条推演的误差就是
#
# $$e(k) = \Big\lVert \frac{\hat s_k - s_k}{\sigma} \Big\rVert .$$
#
# 误差多大，模型才算一无所知？总是预测“数据的均值”，每个维度错一个标准差（均方根），所以在 $d$ 个维度上，误差的均方根是 $\sqrt d$。它的中位数由数据算出，略小一些，这里是 1.7{{pendulum_lab[2] | .1f}}；图中用灰色虚线画出。误差高于这条线的模型，还不如这样猜。不同起始状态的误差能差十倍以上，所以我们报告中位数和分位数，而不是被少数起始状态左右的平均值。
#
# ### 练习 03-1：$k$ 步误差
#
# 写一个函数，返回各个时刻 $e(k)$ 对起始状态的中位数。真实世界里的推演可能提前结束，此后 `real` 是 NaN，这样的起始状态在那些时刻不计入。只有一个起始状态、一个维度时，若真实值是
# $(0, 0)$，想象值是 $(0, 3)$，标准差是 2，结果应为 $(0, 1.5)$。
#
# <details><summary>提示</summary>
#
# 先逐个维度除以标准差，再平方。范数沿最后一个轴，中位数沿第一个轴；`np.nanmedian` 会略去 NaN。
#
# </details>

# %% mbpo={"exercise": "03-1", "role": "setup"}
import numpy as np

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "03-1", "role": "answer"}
def k_step_error(imagined: np.ndarray, real: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return the median of e(k) over the starts that still run, shape (time,).

    `imagined` and `real` have shape (start, time, obs), `scale` has shape (obs,).
    """
    ### BEGIN SOLUTION
    distance = np.linalg.norm((imagined - real) / scale, axis=-1)
    return np.nanmedian(distance, axis=0)
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "03-1", "role": "check"}
check("03-1", k_step_error)

# %% [markdown] tags=["lang-en"]
# ## Two ways to compare
#
# *The same actions* asks: does the model know the world? The imagined pendulum gets the torques that the real one got,
# whatever becomes of it. *The same policy* asks what MBPO needs: if the agent acts in its imagination, and answers what
# it sees *there*, does it live through something like the truth? We take a policy that brakes the rod: its torque is against the speed.

# %% [markdown] tags=["lang-zh"] twin="5dee076d"
# ## 两种比法
#
# *相同的动作*问的是：模型了解这个世界吗？无论想象的摆变成什么样，给它的都是真实的摆得到过的力矩。*相同的策略*问的是 MBPO 所需要的：智能体在想象中行动，对*那里*看到的东西作出反应，它所经历的和真实情况相近吗？这里取一个刹车策略：力矩总与速度相反。

# %%
from mbpo_teach.model.compounding import compound, named


def brake(obs, step):
    return -obs[:, 2:].clamp(-1, 1)


answered = errors.real_rollouts(pendulum, states, brake, steps=50)


# %%
def measured(model, elites):
    found = {}
    for acting, (happened, done), act in (
        ("actions", (real, played), errors.same_actions(played)),
        ("policy", answered, brake),
    ):
        one = compound(model, happened, done, act, scale, elites=elites)
        newly = errors.errors_at_imagined_states(pendulum, one.imagined, happened, act, scale)
        found |= named(acting, one) | {f"{acting}.at_imagined": newly.numpy()}
    return found


each = [measured(*models[size]) for size in sizes]
rod = {key: np.stack([one[key] for one in each]) for key in each[0]}
rod |= {"sizes": np.array(sizes), "mean_guess": errors.mean_guess(data.obs, scale)}

# %% [markdown] tags=["lang-en"]
# There are two reasons why $e(k)$ can grow. Errors are *handed on*: the next step starts from a wrong state, and even
# a perfect model could only go on from there. And errors are *newly made*: where imagination has strayed from the data, the
# model itself may be worse. To see the second alone, we put the simulator into the imagined state, let it take the action that was
# taken there, and compare its step, $f$, with the model's:
#
# $$\hat e(k) = \Big\lVert \frac{\hat s_k - f(\hat s_{k-1}, a_{k-1})}{\sigma} \Big\rVert ,$$
#
# the **one-step error at imagined states**. Nothing in it is inherited. (An imagined observation need not be a state
# at all: here its cosine and sine may leave the unit circle. The simulator then starts from the nearest state, and the
# *changes* are compared.)
#
# The lab shows $e(k)$ on a logarithmic axis: the blue line is the median over the hundred starts, the band holds 80 % of
# them, the thin black line is one start of your choice. Beside it stand the best member *alone* (orange, dashed) and the members'
# disagreement, how far their rollouts lie apart, which estimates the error of *one* member (purple, dash-dotted). And there are two errors
# of *one* step: taken anew from each true state along the way (green, dotted), and $\hat e(k)$, from each imagined state (red).
#
# **Predict.** After 50 steps, will the error be about 50 times that of one step, more, or less? Is the band as wide at
# $k = 50$ as at $k = 1$? Does the green line rise? Does the red one?

# %% [markdown] tags=["lang-zh"] twin="098edf2e"
# $e(k)$ 变大，可能有两个原因。一是误差会*传下去*：下一步从错误的状态出发，即使模型从此完全正确，也只能从那里走下去。二是误差会*新产生*：想象偏离数据之后，模型本身可能就不那么准了。要单独看第二个原因，就把仿真器放进想象的状态，执行当时在那里采取的动作，再拿它走的一步 $f$ 和模型走的一步相比：
#
# $$\hat e(k) = \Big\lVert \frac{\hat s_k - f(\hat s_{k-1}, a_{k-1})}{\sigma} \Big\rVert ,$$
#
# 这就是**想象状态处的单步误差（one-step error at imagined states）**，其中没有一点是前面传下来的。（想象的观测不一定真是一个状态：在这里，余弦和正弦可能不在单位圆上。这时仿真器从最近的状态出发，比较的是两者的*变化量*。）
#
# 下面的交互实验用对数刻度画出 $e(k)$：蓝线是一百个起始状态的中位数，色带包含其中的 80%，细黑线是你选定的一个起始状态。旁边有*单独*一个最好的成员（橙色虚线），以及成员间的分歧（disagreement），即各成员的推演彼此相距多远，它估计的是*一个*成员的误差（紫色点划线）。另有两条只走*一步*的误差：每次都从途中的真实状态重新出发（绿色点线），以及每次都从想象的状态出发，即 $\hat e(k)$（红线）。
#
# **先预测。** 50 步之后，误差大约是一步误差的 50 倍，还是更多、更少？色带在 $k = 50$ 处和在 $k = 1$ 处一样宽吗？绿线会上升吗？红线呢？

# %% named="pendulum_lab"
from mbpo_teach.widgets.compounding import errors_lab

errors_lab(rod, size=1_000, k=50)

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# (The last digits depend on the machine that trains.) Along the same actions the green line stays flat: later states are no harder than
# earlier ones. With 1,000 transitions the median error after fifty steps is 0.14{{pendulum_lab[3] | .2f}},
# 40{{pendulum_lab[3] / pendulum_lab[11] | .0f}} times the 0.0035{{pendulum_lab[11] | .4f}} of one step from a true state, so no more
# than errors that simply add up. The red line rises, but only to 0.0085{{pendulum_lab[12] | .4f}}: the model is about twice as wrong where it has
# strayed, and the rest of the growth is error handed on. And the band widens upwards: its upper edge ends at 0.92{{pendulum_lab[6] | .2f}}.
#
# </details>
#
# Which starts end worst? The cell prints how near to the top, $\cos\theta = 1$, the ten worst rods came, and how near a typical rod did.

# %% [markdown] tags=["lang-zh"] twin="3fd326b4"
# <details><summary>看到了什么</summary>
#
# （末位数字随训练所用的机器而变。）沿着相同的动作，绿线是平的：后来的状态并不比先前的难。用 1,000 条转移时，五十步之后误差的中位数是 0.14{{pendulum_lab[3] | .2f}}，是从真实状态走一步的误差 0.0035{{pendulum_lab[11] | .4f}} 的 40{{pendulum_lab[3] / pendulum_lab[11] | .0f}} 倍，并不比误差逐步相加更快。红线也在上升，但只升到 0.0085{{pendulum_lab[12] | .4f}}：在想象偏离的地方，模型的误差约为两倍，其余的增长都是传下来的误差。色带则向上张开，上沿最后到 0.92{{pendulum_lab[6] | .2f}}。
#
# </details>
#
# 错得最多的是哪些起始状态？下面的单元格打印最差的十根杆离最高点（$\cos\theta = 1$）最近时有多近，以及一般的杆有多近。

# %%
worst = np.argsort(rod["actions.ensemble"][1, :, -1])[-10:]
highest = real[:, :, 0].amax(dim=1)
print(f"{highest[worst].min():.2f} {highest.median():.2f}")

# %% [markdown] tags=["lang-en"]
# All ten came up to the top, where a small difference decides to which side a rod falls; a typical rod never came near it.
# Compounding is not the same everywhere in one world, and a median hides it.
#
# With the braking policy the errors rise for some twenty steps and then hardly any more. The next cell prints for each data size how
# high the upper edge of the band rises, and where it ends.

# %% [markdown] tags=["lang-zh"] twin="765d5f44"
# 十根杆全都到过最高点附近，在那里微小的差别就决定杆倒向哪一边；一般的杆从没有到过那附近。同一个世界里，误差的增长并非处处一样，中位数把这一点藏了起来。
#
# 用刹车策略时，误差先上升二十步左右，之后几乎不再上升。下一个单元格对每种数据量打印色带上沿最高升到多少、最后停在多少。

# %% named="edges"
for size, curves in zip(sizes, rod["policy.ensemble"], strict=True):
    edge = np.quantile(curves, 0.9, axis=0)
    print(f"{size:6d}  {edge.max():.3f}  {edge[-1]:.3f}")

# %% [markdown] tags=["lang-en"]
# In three of the four models the upper edge even *falls* again, to less than half of its peak: with 10,000 transitions from
# 0.072{{edges[10] | .3f}} to 0.024{{edges[11] | .3f}}. (With 1,000 it hardly does.) Brakes bring nearly every rod to rest, and what is left is
# mostly that the imagined rod rests in a slightly wrong place. How one acts decides how long the world remembers an error.
#
# Now move the data size in the lab: the curves come down, most of all from 300 to 1,000.

# %% [markdown] tags=["lang-zh"] twin="c1141ca3"
# 四个模型中有三个，色带的上沿甚至会重新*下降*，降到最高时的一半以下：用 10,000 条转移时从 0.072{{edges[10] | .3f}} 降到 0.024{{edges[11] | .3f}}。（用 1,000 条时几乎不降。）刹车让几乎每根杆都停下来，剩下的差别主要是想象的杆停的位置略有不对。怎样行动，决定了世界对一个误差能记多久。
#
# 再移动交互实验里的数据量：曲线会下降，从 300 到 1,000 时降得最多。

# %% [markdown] tags=["lang-en"]
# ## A world that does not forget
#
# The next world balances a pole on a cart, InvertedPendulum-v5, in MuJoCo. Training seven members takes longer than a
# chapter has, so its curves are a record: made from real simulator data by a command that the record names.

# %% [markdown] tags=["lang-zh"] twin="133aba71"
# ## 一个不会淡忘的世界
#
# 下一个世界要在小车上立住一根杆，即 MuJoCo 的 InvertedPendulum-v5。训练七个成员所需的时间超出了一章的限度，所以这里的曲线是一份记录：由真实仿真器的数据做成，记录里写着所用的命令。

# %% tags=["nbval-check-output"]
from mbpo_teach.records import archive

pole = archive.load("errors_InvertedPendulum-v5")
settings = pole.provenance["config"]
print(pole.provenance["command"])
print(settings["members"], settings["hidden"], settings["sizes"])

# %% [markdown] tags=["lang-en"]
# With random actions the pole falls after six steps on average. The data therefore come from a linear policy, found by a small
# random search, with uniform noise added to its actions; the hundred starts were met by the same policy. So $\epsilon_\pi$,
# the policy shift, is zero in the left panel: the actions compared are those of the data-collecting policy. In the right
# panel the policy acts without the noise. The red line, $\hat e(k)$, is here the median over twelve of the starts: those whose
# imagined rollouts the record keeps.
#
# **Predict.** The one-step error is below a thousandth of a deviation. How many steps does it take until the imagined pole
# is off by a whole deviation? Which panel rises faster?

# %% [markdown] tags=["lang-zh"] twin="e7371dba"
# 用随机动作，杆平均六步就倒了。因此数据来自一个线性策略（由小规模的随机搜索找到），再给动作加上均匀噪声；一百个起始状态也是同一个策略遇到的。所以左图里策略偏移（policy shift）$\epsilon_\pi$ 是零：比较所用的动作正是收集数据的策略的动作。右图里策略不加噪声。红线 $\hat e(k)$ 在这里是十二个起始状态的中位数：记录里只保存了这些起始状态的想象推演。
#
# **先预测。** 单步误差不到千分之一个标准差。要走多少步，想象的杆才会错出整整一个标准差？哪一边升得更快？

# %% named="pole_lab"
errors_lab(pole.arrays, size=1_000)

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# Along the same actions the median becomes, after some ten steps, a straight line on the logarithmic axis: the error is
# multiplied by nearly the same number at each step, with no end in sight. With 1,000 transitions it goes from 0.0007{{lines[4] | .4f}} to
# 0.0073{{pole_lab[3] | .4f}} after ten steps and passes 1 at $k = 37${{lines[5] | .0f}}. With the policy it levels off at 0.005. *The same model* is useless or
# excellent after fifty steps, depending on whether somebody looks at the imagined pole and corrects it. And
# $\epsilon_\pi = 0$: compounding error needs no policy shift.
#
# The red line lies on the green one for thirty steps: the model is not worse at imagined states, the error is handed on. Only when the
# imagined pole is about to fall does it rise, for no fallen pole was in the data.
#
# The members of the ensemble err in different directions, so their average is better than the best of them: at $k = 10$
# 0.0073{{pole_lab[3] | .4f}} against 0.031{{pole_lab[9] | .3f}}. Does the ensemble know its own error? The disagreement estimates the error of *one member*, so it must
# be compared with the orange line. (Beside the average every ensemble looks too modest: five independent members without a common error
# disagree by twice the error of their average, by averaging alone. By one member's error they fall a little short, at
# $\sqrt{4/5} = 0.89$ of it, for they are compared with their own mean.) It is 0.024{{pole_lab[10] | .3f}}, that is
# 0.77{{pole_lab[10] / pole_lab[9] | .2f}} of it: slightly over-confident. At the other data sizes the ratio is between 1.0 and 1.2. About right, then; do not
# count on it, the next robot's is not.
#
# </details>
#
# **Now the data size.** Before you move it: with 33 times the data, 10,000 instead of 300, at which $k$ will the median
# pass 1?

# %% [markdown] tags=["lang-zh"] twin="1ffe0642"
# <details><summary>看到了什么</summary>
#
# 沿着相同的动作，大约十步之后，中位数在对数刻度上成为一条直线：每走一步，误差就乘上几乎同一个数，看不到尽头。用 1,000 条转移时，它从 0.0007{{lines[4] | .4f}} 升到十步后的 0.0073{{pole_lab[3] | .4f}}，在 $k = 37${{lines[5] | .0f}} 处超过 1。而用相同的策略时，它停在 0.005 左右。*同一个模型*，五十步之后是毫无用处还是非常出色，要看有没有谁看着想象中的杆并加以纠正。而且 $\epsilon_\pi = 0$：没有策略偏移，也会有复合误差。
#
# 前三十步里，红线和绿线重合：模型在想象的状态上并没有变差，误差是传下来的。直到想象的杆快要倒下，红线才上升，因为数据里没有倒下的杆。
#
# 集成的各个成员错的方向不同，所以它们的平均比其中最好的一个还要好：$k = 10$ 时是 0.0073{{pole_lab[3] | .4f}} 对 0.031{{pole_lab[9] | .3f}}。集成知道自己错多少吗？分歧估计的是*一个成员*的误差，所以应当和橙线比。（和平均相比，任何集成都显得过于谦虚：五个相互独立、没有共同误差的成员，单凭取平均，分歧就是平均的误差的两倍。和一个成员的误差相比则略小，是它的 $\sqrt{4/5} = 0.89$ 倍，因为分歧是从各成员自己的平均算起的。）分歧是 0.024{{pole_lab[10] | .3f}}，为橙线的 0.77{{pole_lab[10] / pole_lab[9] | .2f}}：略微过于自信。在其他数据量下，这个比值在 1.0 与 1.2 之间。可以说大致合适；但别指望总是这样，下一个机器人的集成就不合适。
#
# </details>
#
# **再看数据量。** 移动之前先想一想：数据是 33 倍，即从 300 条增加到 10,000 条，中位数会在哪个 $k$ 超过 1？

# %% tags=["nbval-check-output"] named="lines"
for size, curves in zip(pole.arrays["sizes"], pole.arrays["actions.ensemble"], strict=True):
    median = np.median(curves, axis=0)
    print(f"{size:6d}  {median[1]:.4f}  {(median > 1).argmax()}")

# %% [markdown] tags=["lang-en"]
# The lines show the data size, the median of $e(1)$, and the first $k$ at which the median is above 1:
# 39{{lines[11] | .0f}} instead of 36{{lines[2] | .0f}}. Three more steps for 33 times the data: the curves move down, but they are parallel. To see why, we
# need the law behind the straight line.
#
# ## The law of growth
#
# Suppose that the world stretches every difference by a factor $L$ per step, and that the model adds an error $e$ in each
# step. Then the error after $k+1$ steps is the stretched old one plus a new one, $e(k+1) = L\,e(k) + e$, and with
# $e(0) = 0$
#
# $$e(k) = e\,\big(1 + L + \dots + L^{k-1}\big) = e\,\frac{L^k - 1}{L - 1} .$$
#
# - $L < 1$: the world forgets; the error never exceeds $e/(1-L)$.
# - $L = 1$: errors add up, $e(k) = e\,k$.
# - $L > 1$: the error explodes; on a logarithmic axis it becomes a straight line of slope $\ln L$.
#
# For a linear system whose errors all lie along the direction that is stretched most, and never cancel, this is exact.
# With the largest stretch anywhere as $L$ and the largest one-step error as $e$ it is an upper bound in any world [2],
# for then $e(k+1) \le L\,e(k) + e$. With the numbers of one place it is a rough guide, while errors are small.
#
# The law says who is responsible for what. **$e$ belongs to the model, $L$ to the world** and to how one acts in it. We can
# read $L$ off the simulator, with no model anywhere: nudge the upright pole a little in each direction, look what one
# step makes of it, and take the largest eigenvalue of that matrix.

# %% [markdown] tags=["lang-zh"] twin="0961a3e9"
# 各行是数据量、$e(1)$ 的中位数，以及中位数第一次超过 1 的 $k$：是 39{{lines[11] | .0f}}，而不是 36{{lines[2] | .0f}}。数据多到 33 倍，只多走三步：曲线往下移了，但彼此平行。要明白为什么，需要知道这条直线背后的规律。
#
# ## 增长的规律
#
# 设世界每一步把任何差别放大 $L$ 倍，模型每一步又添上误差 $e$。那么 $k+1$ 步之后的误差，就是放大了的旧误差加上新误差：$e(k+1) = L\,e(k) + e$。由 $e(0) = 0$ 得
#
# $$e(k) = e\,\big(1 + L + \dots + L^{k-1}\big) = e\,\frac{L^k - 1}{L - 1} .$$
#
# - $L < 1$：世界会淡忘，误差永远不超过 $e/(1-L)$。
# - $L = 1$：误差逐步相加，$e(k) = e\,k$。
# - $L > 1$：误差爆炸，在对数刻度上成为斜率为 $\ln L$ 的直线。
#
# 如果系统是线性的，误差都落在放大得最厉害的方向上，而且从不抵消，这个规律是精确的。如果 $L$ 取各处放大倍数中最大的、$e$ 取单步误差中最大的，它在任何世界里都是上界 [2]，因为这时 $e(k+1) \le L\,e(k) + e$。只取某一处的数值时，它是误差还小时的粗略估计。
#
# 这个规律说明了谁该负什么责任：**$e$ 属于模型，$L$ 属于世界**，以及在其中行动的方式。不需要任何模型，就能从仿真器里读出 $L$：把直立的杆朝每个方向轻轻推一点，看一步之后变成什么，再取这个矩阵绝对值最大的特征值。

# %% tags=["nbval-check-output"] named="stretch"
cart = envs.make("InvertedPendulum-v5")


def stretch_of_the_world(act, nudge=0.01):
    columns = []
    for direction in np.eye(4):
        after = []
        for side in (nudge, -nudge):
            simulator.set_from_obs(cart, side * direction)
            after.append(cart.step(act(side * direction)).obs)
        columns.append((after[0] - after[1]) / (2 * nudge))
    return np.abs(np.linalg.eigvals(np.stack(columns, axis=1))).max()


*gains, bias = pole.arrays["weights"][0]
print(f"{stretch_of_the_world(lambda obs: [0.0]):.2f}")
print(f"{stretch_of_the_world(lambda obs: [obs @ gains + bias]):.2f}")

# %% [markdown] tags=["lang-en"]
# The first number is the world's $L$ with no hand on the cart, the second with the policy's. A pole that nobody watches falls
# away by a factor of 1.20{{stretch[0] | .2f}} per step. With the policy's hand on it the largest factor is
# 0.98{{stretch[1] | .2f}}: differences die out. The two panels of the lab are these two numbers.
#
# It also follows what more data can do. Where $L > 1$, the number of steps until the error reaches a level $E$ is about
# $\ln(E/e)/\ln L$, up to a constant: to gain one more step, $e$ must shrink by the factor $L$. From 300 to 10,000
# transitions $e(1)$ fell from 0.0012{{lines[1] | .4f}} to 0.0005{{lines[10] | .4f}}, a factor of 2.4{{lines[1] / lines[10] | .1f}}, and $\ln 2.4 / \ln 1.2 \approx 5$: a handful of steps,
# no more.
#
# ### Exercise 03-2: the growth law
#
# Write $e\,(L^k - 1)/(L - 1)$ as a function that also works at $L = 1$, $L = 0$ and $k = 0$. For $e = 0.1$, $L = 2$,
# $k = 3$ the result is 0.7; for $L = 1$ it is 0.3.
#
# <details><summary>Hint</summary>
#
# The quotient is the sum $1 + L + \dots + L^{k-1}$, which needs no division. In Python `0.0**0` is 1, as it should be here.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="33cee46a"
# 第一个数是没有人推小车时世界的 $L$，第二个数是有策略时的。没有人照看的杆，偏离每一步放大到 1.20{{stretch[0] | .2f}} 倍；有策略扶着时，最大的倍数是 0.98{{stretch[1] | .2f}}，差别会慢慢消失。交互实验里的两幅图，说的就是这两个数。
#
# 由此也知道更多的数据有多大用处。$L > 1$ 时，误差达到某个水平 $E$ 所需的步数约为 $\ln(E/e)/\ln L$（差一个常数）：要想多走一步，$e$ 就得缩小到 $1/L$。从 300 条到 10,000 条转移，$e(1)$ 从 0.0012{{lines[1] | .4f}} 降到 0.0005{{lines[10] | .4f}}，缩小到约 1/2.4，而 $\ln 2.4 / \ln 1.2 \approx 5$：只有几步，不会更多。
#
# ### 练习 03-2：增长规律
#
# 把 $e\,(L^k - 1)/(L - 1)$ 写成函数，在 $L = 1$、$L = 0$ 和 $k = 0$ 时也要成立。$e = 0.1$、$L = 2$、$k = 3$ 时结果是 0.7；$L = 1$ 时是 0.3。
#
# <details><summary>提示</summary>
#
# 这个商就是 $1 + L + \dots + L^{k-1}$ 的和，不需要除法。在 Python 里 `0.0**0` 等于 1，这里正需要如此。
#
# </details>

# %% mbpo={"exercise": "03-2", "role": "setup"}
from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "03-2", "role": "answer"}
def growth_law(one_step: float, stretch: float, k: int) -> float:
    """Return e (L^k - 1) / (L - 1) for e = one_step, L = stretch >= 0 and a whole k >= 0."""
    ### BEGIN SOLUTION
    return one_step * sum(stretch**i for i in range(k))
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "03-2", "role": "check"}
check("03-2", growth_law)

# %% [markdown] tags=["lang-en"]
# ## Where the law holds, and where it fails
#
# The third world is a one-legged robot, Hopper-v5: eleven numbers, three motors, and a foot that hits the ground. The
# lab puts the law beside the measured medians of all three worlds, along the same actions. $e$ is the measured $e(1)$,
# $L$ is yours to move. In each panel stands the $L$ that is read off the first twenty increments of the measured curve.
#
# **Predict.** Is there one $L$ that fits all three? In which world will the law overshoot at large $k$?

# %% [markdown] tags=["lang-zh"] twin="fdf32f11"
# ## 规律在哪里成立，在哪里失效
#
# 第三个世界是单腿机器人 Hopper-v5：十一个数，三个电机，还有一只会触地的脚。下面的交互实验把规律和三个世界里实测的中位数放在一起，都沿着相同的动作。$e$ 取实测的 $e(1)$，$L$ 由你移动。每幅图里写着从实测曲线的前二十个增量读出的 $L$。
#
# **先预测。** 有没有一个 $L$ 能同时适合三个世界？$k$ 大的时候，规律在哪个世界里会高出实测值？

# %%
from mbpo_teach.widgets.compounding import law_lab

hopper = archive.load("errors_Hopper-v5")

law_lab(
    {"Pendulum-v1": rod, "InvertedPendulum-v5": pole.arrays, "Hopper-v5": hopper.arrays},
    size=1_000,
    stretch=1.2,
)

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# At $L = 1.20$ the law runs parallel to the curve of the cart's pole, over four decades, about
# three times above it: it assumes that every error pushes in the worst direction and that none cancels another. In the other two worlds the
# same $L$ overshoots a thousandfold at $k = 50$. The $L$ read off there is near 1: for twenty steps and a typical start,
# errors add up rather than explode.
#
# Two things the law cannot know. *Saturation*: a difference cannot exceed the size of the world; the pendulum's largest
# errors never leave the single digits, because the two rods are then simply in unrelated places. And *the start*: $L$ is not one number where
# the world is not linear. Nor is $e$ one number where imagination leaves the data; we shall see it in the hopper.
#
# </details>
#
# ### Exercise 03-3: reading a growth rate
#
# By the law, the increments $e(k+1) - e(k)$ are $e\,L^k$, so their logarithms lie on a straight line of slope $\ln L$. Write
# a function that takes a measured curve $e(0), e(1), \dots$ and returns $L$ from a least-squares line through the
# logarithms of the first `until` increments, those with $k = 0, \dots, \mathtt{until} - 1$. Increments that are not
# positive have no logarithm: leave them out, but do not renumber the others. For the curve $(0, 1, 3, 7)$ and `until` = 3
# the result is 2.
#
# <details><summary>Hint</summary>
#
# `np.diff` gives the increments, `np.flatnonzero(increments > 0)` the $k$ of those to keep. The first number that
# `np.polyfit(k, y, 1)` returns is the slope. It is $\ln L$, not $L$.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="521a2da9"
# <details><summary>看到了什么</summary>
#
# $L = 1.20$ 时，规律与小车上的杆的曲线在四个数量级上平行，但高出约三倍：它假定每个误差都朝最坏的方向推，彼此从不抵消。在另外两个世界里，同一个 $L$ 在 $k = 50$ 处高出上千倍。那里读出的 $L$ 接近 1：对典型的起始状态来说，前二十步的误差是相加，而不是爆炸。
#
# 有两件事是规律不知道的。一是*饱和*：差别不可能比世界本身还大；摆里最大的误差也只有几个标准差，因为那时两根杆的位置已经毫不相干。二是*起始状态*：世界如果不是线性的，$L$ 就不是一个数。想象离开数据之后，$e$ 也不再是一个数；在 Hopper 那里会看到。
#
# </details>
#
# ### 练习 03-3：读出增长率
#
# 按照规律，增量 $e(k+1) - e(k)$ 等于 $e\,L^k$，所以它们的对数落在斜率为 $\ln L$ 的直线上。写一个函数，输入测得的曲线 $e(0), e(1), \dots$，对前 `until` 个增量（即 $k = 0, \dots, \mathtt{until} - 1$）的对数用最小二乘拟合直线，返回 $L$。不为正的增量没有对数，把它们去掉，但其余增量的 $k$ 不要重新编号。对曲线 $(0, 1, 3, 7)$ 和 `until` = 3，结果应为 2。
#
# <details><summary>提示</summary>
#
# `np.diff` 给出增量，`np.flatnonzero(increments > 0)` 给出要保留的那些 $k$。`np.polyfit(k, y, 1)` 返回的第一个数是斜率，它是 $\ln L$，不是 $L$。
#
# </details>

# %% mbpo={"exercise": "03-3", "role": "setup"}
import numpy as np

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "03-3", "role": "answer"}
def growth_rate(errors: np.ndarray, until: int) -> float:
    """Return L, read off the first `until` increments of e(0), e(1), ..., shape (time,)."""
    ### BEGIN SOLUTION
    increments = np.diff(errors)[:until]
    k = np.flatnonzero(increments > 0)
    slope, _ = np.polyfit(k, np.log(increments[k]), 1)
    return np.exp(slope)
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours. Then read ours:
# [`mbpo_teach/theory/growth.py`](../../mbpo_teach/theory/growth.py).

# %% [markdown] tags=["lang-zh"] twin="18b964a5"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。然后读一读我们的写法：[`mbpo_teach/theory/growth.py`](../../mbpo_teach/theory/growth.py)。

# %% mbpo={"exercise": "03-3", "role": "check"}
check("03-3", growth_rate)

# %% [markdown] tags=["lang-en"]
# ## A body and its ghost
#
# Eleven numbers are hard to see. From an imagined observation MuJoCo computes where every limb would be, and so the
# hopper that the model imagines can be drawn beside the real one. (The observation leaves out how far the hopper has
# come; both are drawn at the same place.)

# %% [markdown] tags=["lang-zh"] twin="bb1afe6a"
# ## 身体和它的影子
#
# 十一个数很难看出什么。由想象的观测，MuJoCo 可以算出每一节肢体的位置，于是可以把模型想象的 Hopper 画在真实的旁边。（观测里没有它走了多远，所以两者画在同一处。）

# %%
from mbpo_teach.widgets.compounding import film_lab, moving_film, strip

strip({"InvertedPendulum-v5": pole.arrays, "Hopper-v5": hopper.arrays}, size=300, start=1)

# %% [markdown] tags=["lang-en"]
# A strip of four moments, $k = 1, 5, 20, 50$, in two worlds: the real body is grey, the ghost is the dashed outline. Up to
# $k = 5$ body and ghost cover each other. At $k = 50$ the pole has fallen over, but only in the model, and the hopper's
# ghost hovers: its foot is five centimetres above the ground on which the real foot stands.
#
# **Predict.** The lab shows one moment, with this start's error beside it. Does more data bring the ghost closer at
# $k = 50$? Try several starts before you answer.

# %% [markdown] tags=["lang-zh"] twin="7777099d"
# 两个世界，四个时刻 $k = 1, 5, 20, 50$：真实的身体是灰色的，影子是虚线轮廓。到 $k = 5$ 为止，身体和影子重合。到 $k = 50$ 时，杆已经倒下，但只是在模型里；Hopper 的影子则悬在空中，真实的脚踩着地，它的脚却离地五厘米。
#
# **先预测。** 交互实验显示一个时刻，旁边是这个起始状态的误差。数据更多，$k = 50$ 时影子会更贴近吗？多试几个起始状态再回答。

# %%
film_lab("Hopper-v5", hopper.arrays, size=300, k=20)

# %%
moving_film("Hopper-v5", hopper.arrays, size=300, start=1)

# %% [markdown] tags=["lang-en"]
# The film shows start 1, from $k = 0$ to $k = 50$, again and again.
#
# <details><summary>What was seen</summary>
#
# It depends on the start. For start 10 more data help: at $k = 50$ the error falls from 1.5 with 300
# transitions to 0.11 with 10,000. For start 1 they do not: 2.8 with 300, 5.2 with 10,000. In the film of
# start 1 the error rises from 0.27 at $k = 10$ to 1.6 at $k = 20$, while the ghost's foot leaves the ground on which the
# real one still stands.
#
# </details>
#
# The quantiles over all hundred starts, where one real rollout in six ends before $k = 50$ (those are left out from then
# on, so the right end speaks of the survivors):
#
# **Predict.** Is the hopper's ensemble about right, as the pole's was, or too sure of itself? Compare the purple line with the
# orange one. And does the red line stay with the green one, as the pole's did?

# %% [markdown] tags=["lang-zh"] twin="1be56b8f"
# 短片反复播放第 1 号起始状态从 $k = 0$ 到 $k = 50$ 的过程。
#
# <details><summary>看到了什么</summary>
#
# 要看从哪里出发。对第 10 号起始状态，更多的数据有帮助：$k = 50$ 处的误差从 300 条转移时的 1.5 降到 10,000 条时的 0.11。对第 1 号则没有：300 条时是 2.8，10,000 条时是 5.2。在第 1 号的短片里，误差从 $k = 10$ 处的 0.27 升到 $k = 20$ 处的 1.6：就在这段时间里，影子的脚离开了地面，而真实的脚还踩在地上。
#
# </details>
#
# 下面是全部一百个起始状态的分位数。其中六分之一的真实推演在 $k = 50$ 之前就结束了，此后不再计入，所以右端说的是“幸存者”。
#
# **先预测。** Hopper 的集成是像那根杆的集成一样大致合适，还是过于自信？请拿紫线和橙线比。红线还会像那根杆一样与绿线重合吗？

# %% named="hopper_lab"
errors_lab(hopper.arrays, size=10_000)

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# All numbers here are of the left panel, the same actions. Already at $k = 1$ the upper edge of the band is 25 times the lower one, 0.21 against 0.008. Most steps are easy; a foot
# that hits the ground is not, and a network smooths over what happens at once. After such a step imagination and
# world part ways, and the upper edge stands above 1 from $k = 5$ on.
#
# With 10,000 transitions the members disagree at $k = 10$ by 0.049{{hopper_lab[10] | .3f}}, about a third of the
# 0.14{{hopper_lab[9] | .2f}} by which one of them is off (and 36 % of the average's error); at $k = 1$ it is a third as well. They agree
# with each other, and they are wrong together. **The ensemble is too sure of itself.** Disagreement shows
# what the data leave open. It does not show what no member can represent. Move the data size to 300: there the ratio at $k = 10$ is
# 0.73. More data make the members agree faster than they make them right.
#
# More data lower the error at $k = 1$, from 0.045 to 0.024 in the median, but not at $k = 50$, where it is between 1.1 and 2.0
# for every data size, not far from the grey line. And one member is almost as good as the average here, for the same reason: their errors are shared.
#
# The red line leaves the green one, in both panels.
#
# </details>
#
# ## Handed on, or newly made
#
# Put the two robots side by side, with the same policy and the models of 10,000 transitions. For each the cell prints three medians at
# $k = 1, 10, 20, 50$: the error $e(k)$, the error of one step from true states, and that of one step from imagined states,
# $\hat e(k)$; all over the same twelve starts.

# %% [markdown] tags=["lang-zh"] twin="5ba2615c"
# <details><summary>看到了什么</summary>
#
# 这里的数都取自左图（相同的动作）。在 $k = 1$ 处，色带的上沿就是下沿的 25 倍：0.21 对 0.008。大多数转移是容易的；脚触地的那一次不容易，而网络总要把突变抹平。过了这一步，想象与真实从此分道扬镳，色带的上沿从 $k = 5$ 起高于 1。
#
# 用 10,000 条转移时，$k = 10$ 处成员间的分歧是 0.049{{hopper_lab[10] | .3f}}，约为单个成员误差 0.14{{hopper_lab[9] | .2f}} 的三分之一（是平均的误差的 36%）；$k = 1$ 处同样约为三分之一。成员之间意见一致，却一起错了。**这个集成过于自信。** 分歧显示的是数据没有说清的东西，却显示不了所有成员都表达不了的东西。把数据量移到 300：那时 $k = 10$ 处的比值是 0.73。数据一多，成员们变得一致，比变得正确更快。
#
# 更多的数据降低了 $k = 1$ 处的误差，中位数从 0.045 降到 0.024；但 $k = 50$ 处没有下降，无论数据多少都在 1.1 到 2.0 之间，离灰线不远。而且在这里，单个成员几乎和平均一样好，道理相同：它们的误差是共有的。
#
# 在左右两幅图里，红线都离开了绿线。
#
# </details>
#
# ## 传下来的，还是新产生的
#
# 把两个机器人放在一起比：用相同的策略，取用 10,000 条转移训练的模型。单元格对每个世界打印 $k = 1, 10, 20, 50$ 处的三个中位数：误差 $e(k)$，从真实状态走一步的误差，以及从想象的状态走一步的误差 $\hat e(k)$；三者都对同样的十二个起始状态计算。

# %% tags=["nbval-check-output"] named="two"
for world, arrays in (("InvertedPendulum-v5", pole.arrays), ("Hopper-v5", hopper.arrays)):
    print(world)
    for name in ("ensemble", "one_step", "at_imagined"):
        median = np.nanmedian(arrays[f"policy.{name}"][3, :12], axis=0)
        print(f"{name:>12}", *(f"{median[k]:.4f}" for k in (1, 10, 20, 50)))

# %% [markdown] tags=["lang-en"]
# The pole's error grows eightfold, from 0.0006{{two[0] | .4f}} to 0.0048{{two[3] | .4f}}, while a step from an imagined state is as good
# as one from a true state, 0.0003{{two[11] | .4f}}. All of its growth is error handed on. **A growing $e(k)$ does not show that
# imagination has left the data.**
#
# The hopper's has. From true states a step becomes easier, from 0.019{{two[16] | .3f}} to 0.008{{two[19] | .3f}}; from imagined states it becomes
# seven times harder, from 0.019{{two[20] | .3f}} to 0.144{{two[23] | .3f}}. Many of these states were never in the data, and could not be:
# in a quarter of them the foot is more than one centimetre inside the floor, and up to eleven, where real feet sink in by less
# than two. From there one step is off by 0.25 in the median, from the other imagined states by 0.05.
#
# So there are two causes, and two remedies. Errors that are handed on are held down by a policy that corrects what it sees. Against leaving
# the data two things help: not going there, with short rollouts, and new data where the policy goes. $\hat e(k)$ is a proxy, like $e(k)$; chapter 05 measures its exact
# counterpart, a total variation, in a table.

# %% [markdown] tags=["lang-zh"] twin="a2c3dfbf"
# 杆的误差增长到八倍，从 0.0006{{two[0] | .4f}} 升到 0.0048{{two[3] | .4f}}，而从想象的状态走一步，和从真实状态走一步一样准：0.0003{{two[11] | .4f}}。它的增长全是传下来的。**$e(k)$ 增长，并不说明想象已经离开了数据。**
#
# Hopper 的想象确实离开了数据。从真实状态走一步越来越容易，误差从 0.019{{two[16] | .3f}} 降到 0.008{{two[19] | .3f}}；从想象的状态走一步，误差却升到七倍，从 0.019{{two[20] | .3f}} 升到 0.144{{two[23] | .3f}}。其中许多状态数据里从未有过，也不可能有：四分之一的状态里，脚陷进地面一厘米以上，最深的有十一厘米，而真实的脚陷入不到两厘米。从这些状态走一步，误差的中位数是 0.25；从其余想象的状态走一步是 0.05。
#
# 所以原因有两种，对策也不同。误差会传下去，就要靠策略看到偏差并加以纠正；想象会离开数据，则有两个办法：推演要短，不往那里走；并在策略所到之处采集新的数据。$\hat e(k)$ 和 $e(k)$ 一样是代理量；第 05 章会在表格里测量与它对应的精确的量，即全变差距离。

# %% [markdown] tags=["lang-en"]
# ## One step, five simulators
#
# More data do improve the single step, in each of five simulators. The records hold $e(1)$ on 2,000
# transitions that no model has seen. HalfCheetah, Walker2d and Ant (with 27 observations) acted at random, and their smaller
# data sets are random parts of the largest; InvertedPendulum and Hopper acted with noisy linear policies, and theirs are its
# beginnings. Each line shows the *mean* of
# $e(1)$ for 300 to 10,000 transitions, and last the error of expecting no change at all. A mean, because the paper's
# $\epsilon_m$ is an expectation too (the largest over time).

# %% [markdown] tags=["lang-zh"] twin="88f4e1e0"
# ## 一步，五个仿真器
#
# 在五个仿真器里，更多的数据都改进了单步预测。记录中存着模型没有见过的 2,000 条转移上的 $e(1)$。HalfCheetah、Walker2d 和 Ant（27 维观测）用随机动作，较小的数据集是从最大的那个里随机取出的一部分；InvertedPendulum 和 Hopper 用加了噪声的线性策略，较小的数据集取自开头。每行是 300 到 10,000 条转移时 $e(1)$ 的*均值*，最后一列是“认为什么都不变”的误差。用均值，是因为论文里的 $\epsilon_m$ 也是期望（取各时刻中最大的一个）。

# %% tags=["nbval-check-output"] named="table"
names = ("InvertedPendulum-v5", "Hopper-v5", "HalfCheetah-v5", "Walker2d-v5", "Ant-v5")
records = {name: archive.load(f"errors_{name}").arrays for name in names}
print(" " * 20, *(f"{size:>8,}" for size in records["Ant-v5"]["sizes"]))
for name, arrays in records.items():
    print(f"{name:<20}", *(f"{e:8.4f}" for e in arrays["held_out"].mean(axis=1)), end="")
    print(f"{arrays['still'].mean():10.2f}")

# %%
from mbpo_teach.figures.compounding import error_by_data

error_by_data(
    records["Ant-v5"]["sizes"],
    {name: arrays["held_out"] for name, arrays in records.items()},
    {name: arrays["still"].mean() for name, arrays in records.items()},
)

# %% [markdown] tags=["lang-en"]
# Left the mean of $e(1)$ against the data size, both axes logarithmic; right the same, divided by the error of a model that
# expects no change at all (the last column of the table). Every curve falls. With 10,000 transitions the
# pole's model is off by less than a thousandth of what a step changes, the hopper's by 9 %{{table[12] / table[13] | .0%}}, the ant's still by 42 %{{table[27] / table[28] | .0%}}. The
# hopper's mean hardly moves: a few hard steps decide it, for with 10,000 transitions the worst twentieth makes 60 % of the
# sum. The median, not shown, falls from 0.036 to 0.022.
#
# Compare worlds with care: $e$ is a norm over all dimensions, 27 of them in Ant and 4 in InvertedPendulum, and random
# actions throw a robot about more than a policy does.

# %% [markdown] tags=["lang-zh"] twin="ae9e5346"
# 左图是 $e(1)$ 的均值随数据量的变化，两个坐标轴都是对数刻度；右图是同一个量除以“认为什么都不变”的模型的误差（表的最后一列）。每条曲线都在下降。用 10,000 条转移时，杆的模型的误差不到一步变化量的千分之一，Hopper 的是 9%{{table[12] / table[13] | .0%}}，Ant 的仍有 42%{{table[27] / table[28] | .0%}}。Hopper 的均值几乎不动：决定它的是少数难走的步，用 10,000 条转移时，最差的二十分之一就占总和的 60%；图中没有画出的中位数则从 0.036 降到 0.022。
#
# 不同的世界不要轻易相比：$e$ 是对所有维度取的范数，Ant 有 27 维，InvertedPendulum 只有 4 维；而且随机动作比策略更会把机器人甩来甩去。

# %% [markdown] tags=["lang-en"]
# ## A proxy is not $\epsilon_m$
#
# Everything above is a distance between states. The paper's $\epsilon_m$ is a total variation between distributions, and for
# these simulators it has one value only: **1**. Their next state is a single point, and a Gaussian gives every single point
# probability zero. However good the model is, the event "the next state is exactly this one" has probability 1 in the world
# and 0 in the model. The cell below lets the world's noise shrink, with a model that stays a standard normal around the right
# place; it prints noise and total variation.

# %% [markdown] tags=["lang-zh"] twin="db3fe553"
# ## 代理量不是 $\epsilon_m$
#
# 以上量的都是状态之间的距离。论文里的 $\epsilon_m$ 是分布之间的全变差距离（total variation），而对这些仿真器来说，它只有一个值：**1**。它们的下一个状态是一个点，高斯分布给任何一个点的概率都是零。模型再好，“下一个状态恰好是这一个”这件事，在世界里的概率是 1，在模型里是 0。下面的单元格让世界的噪声逐渐变小，而模型始终是围绕正确位置的标准正态分布；打印的是噪声大小和全变差距离。

# %% tags=["nbval-check-output"]
x = np.linspace(-8, 8, 400_001)


def normal(deviation):
    return np.exp(-0.5 * (x / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))


for deviation in (1, 0.1, 0.01, 0.001):
    distance = 0.5 * np.abs(normal(deviation) - normal(1)).sum() * (x[1] - x[0])
    print(f"{deviation:<6g} {distance:.3f}")

# %% [markdown] tags=["lang-en"]
# So $e(k)$ is a **proxy**: useful, measured, and never to be put into a theorem. There are two places where $\epsilon_m$
# itself can be had.
#
# *A noisy world whose density is known.* Add Gaussian noise of known size to the pendulum's steps. Then
# $D_{TV}(p \Vert \hat p) = \mathbb E_{x \sim p}\left[\max(0,\, 1 - \hat p(x)/p(x))\right]$, an expectation that draws from $p$
# can estimate, with a standard error.

# %% [markdown] tags=["lang-zh"] twin="6190fcd9"
# 所以 $e(k)$ 是**代理量（proxy）**：有用，测得出来，但绝不能代入定理。有两个地方可以得到 $\epsilon_m$ 本身。
#
# *噪声密度已知的世界。* 给摆的每一步加上大小已知的高斯噪声，于是 $D_{TV}(p \Vert \hat p) = \mathbb E_{x \sim p}\left[\max(0,\, 1 - \hat p(x)/p(x))\right]$。这个期望可以用从 $p$ 中抽取的样本来估计，并给出标准误。

# %%
from mbpo_teach.model import variation
from mbpo_teach.model.dynamics import raw_targets

deviation = 0.2 * raw_targets(data).std(dim=0)
noisy = variation.with_noise(data, deviation, generator=torch_generator(3, "noise"))
fresh = envs.collect(pendulum, steps=500, rng=generator(3, "fresh"))
for size in (300, 3_000):
    model, elites = trained(rows(noisy, slice(size)))
    draws = torch_generator(3, "draws")
    tv, error = variation.noisy_tv(
        model, fresh, deviation, members=elites, draws=200, generator=draws
    )
    standard_error = error.square().sum().sqrt() / len(error)
    print(f"{size:5d}  {tv.mean():.3f} ± {standard_error:.3f}")

# %% [markdown] tags=["lang-en"]
# Total variation, averaged over 500 fresh states and actions of the data-collecting policy, for 300 and 3,000 transitions.
# (The standard error is that of the draws; $\epsilon_m$ itself takes the largest average over time.) Beside the
# proxy of the noiseless pendulum, a few thousandths, these numbers are large: total variation asks whether two densities agree,
# and small noise makes that a strict question.
#
# *The tabular twin.* Cut the pendulum into 49 states, and let that be the world. A model counted from its transitions has an
# exact $\epsilon_m$.

# %% [markdown] tags=["lang-zh"] twin="95dd692b"
# 这是对收集数据的策略的 500 个新状态和动作取平均的全变差距离，分别用 300 条和 3,000 条转移训练。（标准误只计抽样的误差；$\epsilon_m$ 本身还要对时间取最大的平均。）和没有噪声的摆的代理量（千分之几）相比，这些数很大：全变差距离问的是两个密度是否一致，噪声越小，这个要求越苛刻。
#
# *表格型孪生。* 把摆切成 49 个状态，就以它为世界。用它的转移计数得到的模型，$\epsilon_m$ 是精确的。

# %% tags=["nbval-check-output"]
from mbpo_teach.tables import counting
from mbpo_teach.theory import exact
from mbpo_teach.tables.twin import pendulum_twin

twin = pendulum_twin(gamma=0.95)
uniform = np.full((49, 3), 1 / 3)
walk = counting.sample_transitions(twin, uniform, count=100_000, rng=generator(3, "twin"))
for size in (300, 3_000, 30_000):
    counted = counting.count_model(*(part[:size] for part in walk), state_count=49, action_count=3)
    print(f"{size:6d}  eps_m = {exact.model_error(twin, counted, uniform):.3f}")

# %% [markdown] tags=["lang-en"]
# These numbers may enter a theorem, and in chapter 05 they will. The robots' $e(k)$, a proxy, gets an axis of its own there.
#
# ## Quiz
#
# **1. A model of the cart's pole has a one-step error of 0.0005. How many more open-loop steps does a model with half that
# error give, before the pole is lost?**
#
# <details><summary>Answer</summary>
#
# $\ln 2 / \ln 1.2 \approx 3.8$, about four. Where $L > 1$, every halving of the error adds the same few steps.
#
# </details>
#
# **2. All members of an ensemble agree. Is the prediction right?**
#
# <details><summary>Answer</summary>
#
# Not for that reason. With 10,000 transitions the hopper's members differed by a third of what each of them was off by. Disagreement is
# a sign of missing data; agreement is no proof.
#
# </details>
#
# **3. The policy that collected the data is the policy of the rollout, $\epsilon_\pi = 0$. Can the imagined trajectory still
# leave the real one?**
#
# <details><summary>Answer</summary>
#
# Yes: the left panel of each error lab shows it. Compounding error needs only $\epsilon_m > 0$ and $k$, no policy shift. (A shift can
# make it worse, because the model is less accurate where $\pi_D$ seldom was: chapter 05 measures that.)
#
# </details>
#
# **4. Why is a median of $e(50)$ over real rollouts of the hopper too friendly?**
#
# <details><summary>Answer</summary>
#
# Rollouts in which the hopper fell are left out from then on, and those are likely to be the ones that were hard to predict.
# And a median says nothing of the worst tenth.
#
# </details>
#
# **5. In a new world $e(k)$ grows twentyfold in twenty steps. Have the imagined states left the data?**
#
# <details><summary>Answer</summary>
#
# That does not follow. The same error, made anew at each step and handed on, grows as fast with $L = 1$. Measure the one-step error
# at imagined states, $\hat e(k)$: if it stays flat, as with the pole, the errors are inherited; if it rises while the error from true states
# does not, as with the hopper, imagination is where the model does not know.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="58de14be"
# 这些数可以代入定理，第 05 章就会这样做。机器人的 $e(k)$ 是代理量，在那里另用一个坐标轴。
#
# ## 小测
#
# **1. 小车上的杆，模型的单步误差是 0.0005。若把它减半，在开环推演失去那根杆之前，能多走几步？**
#
# <details><summary>答案</summary>
#
# $\ln 2 / \ln 1.2 \approx 3.8$，大约四步。$L > 1$ 时，误差每减半一次，能多走的都是同样的几步。
#
# </details>
#
# **2. 集成的所有成员意见一致，预测就对吗？**
#
# <details><summary>答案</summary>
#
# 不能因此就说对。用 10,000 条转移时，Hopper 的成员彼此之间的差别，只有各自误差的三分之一。分歧说明缺数据；一致却不是证明。
#
# </details>
#
# **3. 推演所用的策略就是收集数据的策略，$\epsilon_\pi = 0$。想象的轨迹还会离开真实的轨迹吗？**
#
# <details><summary>答案</summary>
#
# 会，本章每个误差交互实验的左图都是例子。只要 $\epsilon_m > 0$，随着 $k$ 增大就有复合误差，并不需要策略偏移。（策略偏移会使它更严重，因为模型在 $\pi_D$ 很少到过的地方不那么准；第 05 章会测量这一点。）
#
# </details>
#
# **4. 对 Hopper 的真实推演取 $e(50)$ 的中位数，为什么过于乐观？**
#
# <details><summary>答案</summary>
#
# Hopper 摔倒之后，那条推演就不再计入，而这些很可能正是难以预测的。再说，中位数对最差的十分之一只字不提。
#
# </details>
#
# **5. 在一个新的世界里，$e(k)$ 在二十步里增长到二十倍。想象的状态离开数据了吗？**
#
# <details><summary>答案</summary>
#
# 由此得不出这个结论。每一步都新添同样大小的误差，再传下去，$L = 1$ 时就会增长得这么快。应当测量想象状态处的单步误差 $\hat e(k)$：如果它像那根杆那样保持不变，误差就是传下来的；如果它上升，而从真实状态走一步的误差不上升，就像 Hopper 那样，说明想象已经到了模型不了解的地方。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Take-aways
#
# - The $k$-step error compares like with like: the same exact start, the same actions or the same policy, every dimension in
#   deviations of the data, quantiles over many starts.
# - $e(k) = e\,(L^k-1)/(L-1)$: the model owns $e$; the world, and how one acts in it, owns $L$. Where $L > 1$, more data add
#   few steps: a reason for *short* rollouts that branch from real states, which is what chapter 05 builds on.
# - Errors are handed on, and they are newly made where imagination leaves the data. $e(k)$ does not tell the two apart; the one-step error at
#   imagined states, $\hat e(k)$, does.
# - An average over members is better than one member where their errors are independent, and their disagreement then estimates
#   the error of one member; where the errors are shared, neither helps.
# - Errors of deterministic simulators are proxies. $\epsilon_m$ is measured where densities or tables are known.
#
# ## References
#
# 1. M. Janner, J. Fu, M. Zhang, S. Levine. *When to Trust Your Model: Model-Based Policy Optimization.* NeurIPS 2019,
#    [arXiv 1906.08253](https://arxiv.org/abs/1906.08253). Section 4 for $\epsilon_m$; section 5 and appendix C for the ensemble.
# 2. K. Asadi, D. Misra, M. Littman. *Lipschitz Continuity in Model-based Reinforcement Learning.* ICML 2018,
#    [arXiv 1804.07193](https://arxiv.org/abs/1804.07193). Bounds the compounding error by $e\,(L^k-1)/(L-1)$ in the Wasserstein
#    metric.
# 3. K. Chua, R. Calandra, R. McAllister, S. Levine. *Deep Reinforcement Learning in a Handful of Trials using Probabilistic Dynamics
#    Models.* NeurIPS 2018, [arXiv 1805.12114](https://arxiv.org/abs/1805.12114). The ensemble (PETS).
#
# **Next:** [04 When to trust a model](04_when_to_trust.ipynb), where every error is exact.

# %% [markdown] tags=["lang-zh"] twin="3497fc98"
# ## 要点
#
# - $k$ 步误差的比较要对等：同一个精确的起始状态，相同的动作或相同的策略，每个维度都以数据的标准差为单位，对许多起始状态取分位数。
# - $e(k) = e\,(L^k-1)/(L-1)$：$e$ 属于模型，$L$ 属于世界以及在其中行动的方式。$L > 1$ 时，数据再多也只能多走几步。这正是要用从真实状态分支的*短*推演的一个理由，第 05 章由此展开。
# - 误差会传下去；想象离开数据之后，又会新产生误差。$e(k)$ 分不清这两者，想象状态处的单步误差 $\hat e(k)$ 分得清。
# - 各成员的误差彼此独立时，平均比单个成员好，分歧也能估计单个成员的误差；误差如果是共有的，两样都帮不上忙。
# - 确定性仿真器上的误差是代理量。$\epsilon_m$ 只能在密度或表格已知的地方测量。
#
# ## 参考文献
#
# 1. M. Janner, J. Fu, M. Zhang, S. Levine. *When to Trust Your Model: Model-Based Policy Optimization.* NeurIPS 2019,
#    [arXiv 1906.08253](https://arxiv.org/abs/1906.08253)。$\epsilon_m$ 见第 4 节，模型集成见第 5 节和附录 C。
# 2. K. Asadi, D. Misra, M. Littman. *Lipschitz Continuity in Model-based Reinforcement Learning.* ICML 2018,
#    [arXiv 1804.07193](https://arxiv.org/abs/1804.07193)。用 Wasserstein 距离给出复合误差的上界 $e\,(L^k-1)/(L-1)$。
# 3. K. Chua, R. Calandra, R. McAllister, S. Levine. *Deep Reinforcement Learning in a Handful of Trials using Probabilistic Dynamics
#    Models.* NeurIPS 2018, [arXiv 1805.12114](https://arxiv.org/abs/1805.12114)。模型集成（PETS）。
#
# **下一章：**[04 何时信任模型](04_when_to_trust.ipynb)，那里的每个误差都是精确的。
