# %% [markdown] tags=["lang-en"]
# # 06 · The learner inside
#
# A model gives steps. Something has to turn steps into a better policy. In MBPO this is **soft actor-critic** (SAC), which
# would learn from real steps alone if one let it. This chapter takes it apart on a problem with one action, where every
# quantity can be seen, has you put one update together, and lets it swing up a pendulum. In chapter 07 it learns from imagined
# steps as well. Terms are explained where they first appear, and collected in the [glossary](../../docs/glossary.md).
#
# | this chapter | in short |
# |---|---|
# | **Objectives** | Say what the entropy in the objective buys, and what the temperature does; write the log-density of a squashed action, the soft target and a step of the temperature; say why there are two critics and why the smaller one is believed; put one whole update together in the right order; keep a time limit apart from an end; judge what SAC alone costs in real steps. |
# | **Prerequisites** | Q-learning from chapter [01](01_dyna_q.ipynb); the Gaussian likelihood from chapter [02](02_ensemble.ipynb); gradient descent. |
# | **Reading time** | 80 minutes with the exercises |
# | **Run time** | about 35 s on two cores, most of it the pendulum's training |
# | **Language** | English · [中文](../zh/06_sac.ipynb) |

# %% [markdown] tags=["lang-zh"] twin="d96dcc0e"
# # 06 · MBPO 内部的学习器：SAC
#
# 模型给出的只是一条条想象的转移，还得有东西用它们改进策略。在 MBPO 里，这件事由**软演员—评论家**（soft actor-critic，SAC）来做；只有真实转移，它也能学。本章先在只有一个动作的问题上把它拆开，那里每个量都看得见；再由你拼出一次完整的更新；最后让它把摆甩到直立。到第 07 章，它也从想象的转移中学习。术语在首次出现处解释，并汇总在[术语表](../../docs/glossary.md)里。
#
# | 本章 | 概要 |
# |---|---|
# | **学习目标** | 说清目标中的熵换来什么、温度起什么作用；写出压缩后动作的对数密度、软目标和温度的一步；说清为什么要两个评论家，为什么信较小的那个；按正确的顺序拼出一次完整的更新；不把时间限制当成终止；判断只用 SAC 需要多少真实步数。 |
# | **预备知识** | 第 [01](01_dyna_q.ipynb) 章的 Q-learning；第 [02](02_ensemble.ipynb) 章的高斯似然；梯度下降。 |
# | **阅读时间** | 连同练习 80 分钟 |
# | **运行时间** | 双核机器上约 35 秒，大部分用来训练摆 |
# | **语言** | [English](../en/06_sac.ipynb) · 中文 |

# %% [markdown] tags=["lang-en"]
# ## The parts
#
# The **actor** is the network that puts out the policy $\pi$: for each state $s$ the mean $\mu(s)$ of a Gaussian and the logarithm
# of its standard deviation $\sigma(s)$, of which a draw, bent by tanh, is the action. A **critic** is a network that estimates
# $Q(s, a)$, the value of an action; there are two. Each critic has a slow copy, its **target critic**. The **temperature**
# $\alpha$ is a single number. Everything that learns does so by steps down the slope of a loss.

# %% [markdown] tags=["lang-zh"] twin="bb150489"
# ## 各个部件
#
# **演员**（actor）是输出策略 $\pi$ 的网络：对每个状态 $s$，它给出一个高斯分布的均值 $\mu(s)$ 和标准差 $\sigma(s)$ 的对数，从中抽样，再经 tanh 弯进区间，就是动作。**评论家**（critic）是估计动作价值 $Q(s, a)$ 的网络，共有两个。每个评论家有一个缓慢跟随的副本，即**目标网络**（target critic）。**温度**（temperature）$\alpha$ 只是一个数。凡是要学的，都沿着某个损失的斜率往下走。

# %%
from mbpo_teach.figures.actor_critic import actor_critic_picture

actor_critic_picture()

# %% [markdown] tags=["lang-en"]
# Three rows. On top, the state goes into the actor, which has two heads; mean, deviation and a noise $\xi$ give an action and its
# log-density $\log\pi$, and this moves the temperature. In the middle, a state and an action go into both critics: the action
# stored with the state where the critics are to learn, the one drawn by the actor where the actor is. At the bottom, the
# next state and an action drawn there go into both target critics, and out comes the number $y$ that the critics are to say.
# Grey boxes are losses; solid coloured frames hold what learns; the dashed ones learn nothing and only follow. You need not
# understand all arrows yet: each section below takes one part, and exercise 06-4 puts them together.
#
# ## Paid for staying random
#
# Chapter 01's learner was greedy and threw a die now and then so as not to miss anything. SAC puts the die into the goal.
# Its policy earns reward **and entropy**: it maximises the expected sum of $r + \alpha H(\pi(\cdot\,|\,s))$, where
# $H(\pi) = -E[\log \pi(a\,|\,s)]$ measures, in nats, how random the choice is. The factor $\alpha$, the temperature, is
# the price of a nat, in units of reward; it has nothing to do with the learning rate $\alpha$ of chapter 01. Where two actions are
# equally good, choosing between them at random is worth something; where one is much better, randomness is too dear.
#
# The entropy of a density can be negative, since a density can exceed 1, and its logarithm is positive there. A uniform choice from an
# interval of length $\ell$ has entropy $\log \ell$, which is below zero for $\ell < 1$. On $(-1, 1)$ the uniform choice has the most,
# $\log 2 = 0.69$ nats; there is no least.
#
# One state, one action $a$ in $(-1, 1)$, and its value $Q(a)$ are enough to see all of it. Our $Q$ has a broad hill of height 1
# at $-0.4$ and a narrow peak of height 1.3 at $0.6$. Of all policies the best one, whatever its shape, is
#
# $$\pi^*(a) = \frac{e^{Q(a)/\alpha}}{Z}, \qquad
#   E_{\pi^*}[Q] + \alpha H(\pi^*) = \alpha \log Z, \qquad Z = \int_{-1}^{1} e^{Q(a)/\alpha}\, da .$$
#
# The number on the right is the **soft value**, a soft maximum of $Q$: it tends to $\max Q$ as $\alpha \to 0$.

# %% [markdown] tags=["lang-zh"] twin="e219e4c1"
# 图分三排。上排：状态输入演员，演员有两个输出头；均值、标准差和噪声 $\xi$ 给出动作和它的对数密度 $\log\pi$，后者调节温度。中排：状态和动作输入两个评论家；评论家学习时，用的是与状态一同存下的动作，演员学习时，用的是演员自己抽的动作。下排：下一个状态和在那里抽的动作输入两个目标网络，得到评论家应当给出的数 $y$。灰色的框是损失；彩色实线框里的部分会学习；虚线框里的不学习，只是跟随。现在不必看懂所有箭头：下面每一节讲一个部件，练习 06-4 再把它们拼在一起。
#
# ## 随机性也算奖励
#
# 第 01 章的学习器是贪心的，只偶尔掷一次骰子，免得错过什么。SAC 把骰子写进了目标：除了奖励，**熵**（entropy）也计入，要最大化的是 $r + \alpha H(\pi(\cdot\,|\,s))$ 之和的期望，其中 $H(\pi) = -E[\log \pi(a\,|\,s)]$ 以奈特（nat）为单位，度量选择有多随机。系数 $\alpha$ 就是温度，表示一奈特的熵相当于多少奖励；它与第 01 章的学习率 $\alpha$ 无关。两个动作同样好的地方，随机选一个能使目标更高；一个明显更好的地方，随机选就得不偿失。
#
# 密度的熵可以是负数：密度可以大于 1，它的对数就为正。长度为 $\ell$ 的区间上的均匀选择，熵是 $\log \ell$，当 $\ell < 1$ 时小于零。$(-1, 1)$ 上熵最大的是均匀分布，$\log 2 = 0.69$ 奈特；没有最小值。
#
# 要看清这一切，一个状态、一个 $(-1, 1)$ 内的动作 $a$ 和它的价值 $Q(a)$ 就够了。我们的 $Q$ 在 $-0.4$ 处有一座宽丘，高 1；在 $0.6$ 处有一座窄峰，高 1.3。不论形状，最好的策略是
#
# $$\pi^*(a) = \frac{e^{Q(a)/\alpha}}{Z}, \qquad
#   E_{\pi^*}[Q] + \alpha H(\pi^*) = \alpha \log Z, \qquad Z = \int_{-1}^{1} e^{Q(a)/\alpha}\, da .$$
#
# 右边的数就是**软价值**（soft value），是 $Q$ 的一种软的最大值：$\alpha \to 0$ 时，它趋于 $\max Q$。

# %% tags=["nbval-check-output"]
import torch

from mbpo_teach.learner import hills

torch.set_num_threads(1)
width = 2 / len(hills.ACTIONS)
value = hills.action_value(hills.ACTIONS)
for alpha in (0.02, 0.1, 0.3, 1.0):
    weights = torch.exp(value / alpha)
    best = weights / (weights.sum() * width)
    entropy = -torch.special.xlogy(best, best).sum() * width
    objective = (best * value).sum() * width + alpha * entropy
    soft_value = alpha * (weights.sum() * width).log()
    print(f"{alpha:4g}  {objective:.3f}  {soft_value:.3f}  {hills.soft_best(alpha)[1]:.3f}")

# %% [markdown] tags=["lang-en"]
# Temperature, $E[Q] + \alpha H$ of the policy $\pi^*$, $\alpha \log Z$, and the library's number. They agree.
#
# SAC cannot use a policy of any shape. It needs one that a network can put out and that can be sampled: a Gaussian, squashed
# into $(-1, 1)$ by tanh, a **tanh-Gaussian**. It is one Gaussian, so it cannot sit on hill and peak at once, and has to choose.
#
# **Predict.** At $\alpha = 0.1$, does the best tanh-Gaussian take the broad hill or the narrow peak? And when you raise the
# temperature, does it change its mind little by little, or all at once?

# %% [markdown] tags=["lang-zh"] twin="ca0f7a97"
# 各列依次是温度、策略 $\pi^*$ 的 $E[Q] + \alpha H$、$\alpha \log Z$、课程代码给出的数。它们一致。
#
# SAC 不能用任意形状的策略。它需要的是网络输出得了、又能抽样的策略：把高斯分布用 tanh 压进 $(-1, 1)$，即 **tanh 高斯策略**（tanh-Gaussian）。这毕竟只是一个高斯分布，不能同时占住宽丘和窄峰，只好二选一。
#
# **先预测。** $\alpha = 0.1$ 时，最好的 tanh 高斯策略选宽丘还是窄峰？升高温度，它是一点点改变主意，还是突然改变？

# %% named="best"
from mbpo_teach.widgets.hills import temperature_lab

temperature_lab()

# %% [markdown] tags=["lang-en"]
# On the left $Q$ in black, the density of the best policy of any shape as a blue area, that of the best tanh-Gaussian as a red
# line; both densities are drawn to one scale of their own. On the right, against the temperature, the objective of both, the
# red one's expected $Q$, and the entropies. The dots mark the present temperature.
#
# <details><summary>What was seen</summary>
#
# At $\alpha = 0.1$ the narrow peak wins, with the mean action at 0.60{{best[1] | .2f}}: its 0.3 more of $Q$ is worth more than the
# entropy that the hill would allow. Between 0.2 and 0.25 the tanh-Gaussian jumps to the hill, because there it can be much
# broader, and near 0.3 it jumps again and covers nearly everything. Expected $Q$ falls at each jump, while the objective bends
# but does not break. The best policy of any shape has no need to jump: it moves its weight little by little.
#
# </details>
#
# Where the red objective lies below the blue one, the shape costs something, at $\alpha = 0.1$ the difference between
# 1.056{{best[7] | .3f}} and 1.040{{best[4] | .3f}}. What is lost is $\alpha$ times the Kullback–Leibler divergence of the red
# density from the blue one, and the actor's loss is, up to a constant, just this (equation 4 of the SAC paper [1], Haarnoja and
# others 2018).
#
# ## A density for a squashed action
#
# Let $u \sim \mathcal N(\mu, \sigma^2)$ and $a = \tanh(u)$. Where tanh is flat, many $u$ are squeezed into few $a$, and the
# density there is higher, by one over the slope of tanh. With several actions the corrections add up:
#
# $$\log \pi(a\,|\,s) = \log \mathcal N(u;\, \mu, \sigma^2) - \sum_i \log\big(1 - \tanh^2(u_i)\big).$$
#
# Two traps wait here. Far out $1 - \tanh^2(u)$ is rounded to zero, and its logarithm is $-\infty$. The same number written as
# $2\,(\log 2 - u - \log(1 + e^{-2u}))$ stays exact everywhere, if $\log(1 + e^x)$ is computed without overflow. And since a program often keeps $a$ and not $u$, it is easy to
# write $1 - \tanh^2(a)$, a tanh of a tanh. The code of the textbook *Hands-on Reinforcement Learning* does so in its chapter on
# SAC [5].
#
# **Predict.** The true correction at $u = 2$ is $-2.650$. How wrong is the one with tanh twice, and what happens to it as $u$
# grows?

# %% [markdown] tags=["lang-zh"] twin="54779cc1"
# 左图中，黑线是 $Q$，蓝色区域是任意形状中最好的策略的密度，红线是最好的 tanh 高斯策略的密度，两个密度用同一刻度，但与 $Q$ 的刻度不同。右图的横轴是温度，画出两者的目标值、红色策略的 $Q$ 的期望，以及两者的熵；圆点标出当前温度。
#
# <details><summary>看到了什么</summary>
#
# $\alpha = 0.1$ 时窄峰胜出，平均动作在 0.60{{best[1] | .2f}}：它的 $Q$ 多出 0.3，超过了宽丘多容许的那些熵的作用。在 0.2 与 0.25 之间，tanh 高斯策略跳到宽丘上，因为在那里可以铺得宽得多；到 0.3 附近它又跳了一次，几乎铺满全部动作。每跳一次，$Q$ 的期望就掉一截，目标值却只拐弯、不断开。任意形状中最好的策略用不着跳，它的重心是一点点移过去的。
#
# </details>
#
# 红色目标值低于蓝色的地方，是形状受限造成的损失，$\alpha = 0.1$ 时就是 1.056{{best[7] | .3f}} 与 1.040{{best[4] | .3f}} 之差。这个损失等于 $\alpha$ 乘以红色密度相对于蓝色密度的 KL 散度（Kullback–Leibler divergence）；演员的损失与它只差一个常数（SAC 论文 [1]，Haarnoja 等 2018，式 4）。
#
# ## 压缩之后的密度
#
# 设 $u \sim \mathcal N(\mu, \sigma^2)$，$a = \tanh(u)$。tanh 平缓的地方，许多 $u$ 被挤进很窄的一段 $a$，那里的密度就更高，倍数是 tanh 斜率的倒数。有几个动作时，各个修正项相加：
#
# $$\log \pi(a\,|\,s) = \log \mathcal N(u;\, \mu, \sigma^2) - \sum_i \log\big(1 - \tanh^2(u_i)\big).$$
#
# 这里有两个陷阱。$u$ 很大时，$1 - \tanh^2(u)$ 舍入成零，对数成了 $-\infty$；写成 $2\,(\log 2 - u - \log(1 + e^{-2u}))$，只要 $\log(1 + e^x)$ 算得不溢出，同一个数就处处精确。另外，程序里存下的往往是 $a$ 而不是 $u$，很容易写成 $1 - \tanh^2(a)$，也就是 tanh 套 tanh。教科书《动手学强化学习》配套代码的 SAC 一章就是这样写的 [5]。
#
# **先预测。** $u = 2$ 处正确的修正项是 $-2.650$。用了两次 tanh 的错多少？$u$ 再增大，它会怎样？

# %% named="slopes" tags=["nbval-check-output"]
from torch.distributions import Normal, TanhTransform, TransformedDistribution

from mbpo_teach.nets.gaussian import log_tanh_slope, squashed_log_prob
from mbpo_teach.ground.seeding import torch_generator

for u in (0.0, 2.0, 20.0):
    raw = torch.tensor(u)
    shown = (1 - raw.tanh() ** 2).log(), log_tanh_slope(raw), log_tanh_slope(raw.tanh())
    print(f"{u:4.0f}", *(f"{number:8.3f}" for number in shown))
raw = hills.ACTIONS.atanh()
for slope in (log_tanh_slope(raw), log_tanh_slope(raw.tanh())):
    print(f"{(Normal(0.0, 1.0).log_prob(raw) - slope).exp().sum() * width:.3f}")
mean, log_std, noise = torch.randn(3, 6, 2, generator=torch_generator(0, "numbers"))
squashed = TransformedDistribution(Normal(mean, log_std.exp()), TanhTransform(cache_size=1))
raw = mean + 0.5 * log_std.exp() * noise
by_torch = squashed.log_prob(raw.tanh()).sum(dim=1)
print(torch.allclose(by_torch, squashed_log_prob(raw, mean, log_std), atol=1e-3))

# %% [markdown] tags=["lang-en"]
# The columns are $u$, the correction as written, the exact one, and tanh applied twice. The next two lines are integrals of the
# "density" over all actions, right and with tanh twice; the last line is the agreement of the library's function, for two
# actions, with PyTorch's own.
#
# <details><summary>What was seen</summary>
#
# At $u = 2$ the correction with tanh twice is $-0.813${{slopes[7] | .3f}} instead of $-2.650${{slopes[6] | .3f}}, and it never falls
# below $-0.868${{slopes[10] | .3f}}. The policy then appears less concentrated at the edges than it is, and the entropy is
# overestimated exactly where actions saturate. The integral is 1{{slopes[11] | .0f}} for the right one, and 0.771{{slopes[12] | .3f}}
# with tanh twice, which thus is no density at all.
#
# </details>
#
# ### Exercise 06-1: the log-density of a squashed action
#
# Write it in NumPy. `raw`, `mean` and `log_std` have shape (row, action); return one number for each row, shape (row,). It must
# hold far out as well: the check goes to $u = \pm 20$ and $\pm 800$. For $u = \mu = 2$ and $\sigma = 1$ it is 1.7311.
#
# <details><summary>Hint</summary>
#
# First the Gaussian, with its $-\log\sigma$ and $-\tfrac12\log 2\pi$. Then subtract the exact form of the correction;
# `np.logaddexp(0, x)` is $\log(1 + e^x)$ without overflow. At the end, the sum over the last axis.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="fe376893"
# 各列依次是 $u$、照原样写的修正项、精确的修正项、用了两次 tanh 的修正项。接下来两行是“密度”对全部动作的积分，先是正确的，再是用了两次 tanh 的；最后一行说明，有两个动作时，课程的函数与 PyTorch 自带的一致。
#
# <details><summary>看到了什么</summary>
#
# $u = 2$ 时，用了两次 tanh 的修正项是 $-0.813${{slopes[7] | .3f}} 而不是 $-2.650${{slopes[6] | .3f}}，而且永远不会低于 $-0.868${{slopes[10] | .3f}}。于是策略在边缘显得没有实际那么集中，恰恰在动作饱和的地方高估了熵。正确的积分是 1{{slopes[11] | .0f}}；用两次 tanh 的是 0.771{{slopes[12] | .3f}}，根本不是密度。
#
# </details>
#
# ### 练习 06-1：压缩后动作的对数密度
#
# 用 NumPy 写出来。`raw`、`mean`、`log_std` 的形状是（行，动作）；每行返回一个数，形状为（行，）。$u$ 很大时也必须成立：检查会用到 $\pm 20$ 和 $\pm 800$。$u = \mu = 2$、$\sigma = 1$ 时，结果应为 1.7311。
#
# <details><summary>提示</summary>
#
# 先写高斯部分，别漏了 $-\log\sigma$ 和 $-\tfrac12\log 2\pi$。再减去修正项的精确形式；`np.logaddexp(0, x)` 就是不会溢出的 $\log(1 + e^x)$。最后沿末轴求和。
#
# </details>

# %% mbpo={"exercise": "06-1", "role": "setup"}
import numpy as np

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "06-1", "role": "answer"}
def log_prob(raw: np.ndarray, mean: np.ndarray, log_std: np.ndarray) -> np.ndarray:
    """Return log pi(tanh(raw)) for raw ~ N(mean, exp(log_std)), shape (row,)."""
    ### BEGIN SOLUTION
    noise = (raw - mean) / np.exp(log_std)
    gaussian = -0.5 * noise**2 - log_std - 0.5 * np.log(2 * np.pi)
    slope = 2 * (np.log(2) - raw - np.logaddexp(0, -2 * raw))
    return (gaussian - slope).sum(axis=-1)
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "06-1", "role": "check"}
check("06-1", log_prob)

# %% [markdown] tags=["lang-en"]
# ## The critics' target
#
# So far $Q$ was given. In the world it has to be learned, from transitions $(s, a, r, s')$ of any age and any policy. As in
# Q-learning the estimate is pulled towards a target made of one real step and an estimate of the rest; the rest is now the
# soft value of the next state, from one action $a'$ drawn from the *current* policy:
#
# $$y = r + \gamma\,(1 - d)\,\Big[\min_i \bar Q_i(s', a') - \alpha \log \pi(a'\,|\,s')\Big], \qquad
#   L_Q = \tfrac12 \sum_i \operatorname{mean}\big[\big(Q_i(s, a) - y\big)^2\big].$$
#
# These are equations 2, 3 and 5 of the SAC paper; the mean is over the batch. $\bar Q$ are the target critics. After each update
# their weights $\bar\theta$ move by the share $\tau$ towards the critics' weights $\theta$,
#
# $$\bar\theta \leftarrow (1 - \tau)\,\bar\theta + \tau\,\theta, \qquad \tau = 0.005,$$
#
# half a percent of the way, so that the target does not run away from those who chase it. (In chapter 01 $\tau$ was the time since a pair
# was last tried: the same letter, another thing.) And $d$ is 1 where the episode **terminated**: the robot has fallen, and
# nothing follows.
#
# *The trap of the time limit* [4]. Pendulum-v1 stops after 200 steps. Nothing ends there; somebody only stopped counting. The
# observation does not hold the time, so that the last state of an episode looks like any other. If $d$ is set there, then one in
# 200 targets claims that the future is worth nothing.
#
# **Predict.** Let every reward be $-1$ and $\gamma = 0.99$; the true value is $-100$. By how much does the value change if one
# transition in 200 is marked as an end?

# %% [markdown] tags=["lang-zh"] twin="f2e5317a"
# ## 评论家的目标
#
# 到现在为止 $Q$ 是给定的。在环境里，它要从转移 $(s, a, r, s')$ 中学出来，不管这些转移有多旧、出自哪个策略。与 Q-learning 一样，把估计拉向一个目标，即一步真实的奖励加上对余下部分的估计；只不过余下部分现在是下一个状态的软价值，用从*当前*策略抽出的一个动作 $a'$ 来算：
#
# $$y = r + \gamma\,(1 - d)\,\Big[\min_i \bar Q_i(s', a') - \alpha \log \pi(a'\,|\,s')\Big], \qquad
#   L_Q = \tfrac12 \sum_i \operatorname{mean}\big[\big(Q_i(s, a) - y\big)^2\big].$$
#
# 这就是 SAC 论文的式 2、3、5，平均是对批次取的。$\bar Q$ 是目标网络。每次更新之后，它的权重 $\bar\theta$ 朝评论家的权重 $\theta$ 移动 $\tau$ 这么大的比例：
#
# $$\bar\theta \leftarrow (1 - \tau)\,\bar\theta + \tau\,\theta, \qquad \tau = 0.005,$$
#
# 也就是千分之五，免得目标总从追它的评论家面前跑开。（第 01 章里的 $\tau$ 是某个状态—动作对距上次尝试的时间：字母相同，意思不同。）$d$ 在回合**终止**（termination）处为 1：机器人倒了，后面什么也没有。
#
# *时间限制的陷阱* [4]。Pendulum-v1 走 200 步就停。那里什么也没有结束，只是有人不再数下去。观测里不含时间，回合的最后一个状态与别的状态看上去没有两样。如果在那里令 $d = 1$，每 200 个目标中就有一个声称未来一文不值。
#
# **先预测。** 设奖励总是 $-1$，$\gamma = 0.99$，真实的价值就是 $-100$。每 200 条转移中有一条被记为终止，价值会变多少？

# %% named="limit" tags=["nbval-check-output"]
from mbpo_teach.world import envs
from mbpo_teach.ground.seeding import generator

lived = envs.collect(envs.make("Pendulum-v1"), steps=600, rng=generator(6, "time limit"))
print(len(lived.reward), int(lived.terminated.sum()))
for share_ended in (0, 1 / 200):
    print(f"{-1 / (1 - 0.99 * (1 - share_ended)):.1f}")

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# Three whole episodes, 600{{limit[0] | .0f}} transitions, and not one is stored as terminated: our buffer has no column for a time
# limit at all. With the false ends the solution of $V = -1 + \gamma(1 - 1/200)V$ is $-66.9${{limit[3] | .1f}}: a third of
# the future is lost, and the share depends on the length of the episode.
#
# </details>
#
# Gym, from which Gymnasium grew, told time limit and end in one
# flag, `done`, and the difference only in `info`. Code that stores `done` as it comes makes this very mistake: that of *Hands-on
# Reinforcement Learning* [5], on the pendulum, and `mbpo_pytorch`, which writes MBPO anew in PyTorch [6].
#
# ### Exercise 06-2: the soft target
#
# `reward`, `terminated` (booleans) and `next_log_prob` have shape (row,), `next_q` (critic, row) holds the target critics'
# values of the next state and a fresh action. Return $y$, shape (row,). For reward 1, not terminated, critics 2 and 3,
# log-density $-1$, $\alpha = 0.5$, $\gamma = 0.9$ it is 3.25.
#
# <details><summary>Hint</summary>
#
# The minimum is taken row by row, over the first axis. The entropy belongs to the future: it is discounted, and at an end it
# vanishes together with $Q$.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="afd99df0"
# <details><summary>看到了什么</summary>
#
# 整整三个回合、600{{limit[0] | .0f}} 条转移，没有一条存为终止：我们的缓冲区根本没有时间限制这一列。有了虚假的终止，$V = -1 + \gamma(1 - 1/200)V$ 的解是 $-66.9${{limit[3] | .1f}}：三分之一的未来丢了，而且回合长度不同，丢的比例也不同。
#
# </details>
#
# Gymnasium 的前身 Gym 用同一个标志 `done` 报告终止和时间限制，区别只写在 `info` 里。把 `done` 原样存下的代码就犯了这个错：一是《动手学强化学习》的配套代码 [5]，用的正是摆；二是用 PyTorch 重写 MBPO 的 `mbpo_pytorch` [6]。
#
# ### 练习 06-2：软目标
#
# `reward`、`terminated`（布尔值）、`next_log_prob` 的形状是（行，）；`next_q`（评论家，行）是目标网络对下一个状态和新抽的动作给出的价值。返回 $y$，形状为（行，）。奖励为 1、没有终止、两个评论家为 2 和 3、对数密度为 $-1$、$\alpha = 0.5$、$\gamma = 0.9$ 时，结果应为 3.25。
#
# <details><summary>提示</summary>
#
# 沿第一轴（评论家）取最小，每行一个。熵属于未来：它也要乘以 $\gamma$，到了终止处，它和 $Q$ 一起消失。
#
# </details>

# %% mbpo={"exercise": "06-2", "role": "setup"}
import numpy as np

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "06-2", "role": "answer"}
def soft_target(reward, terminated, next_q, next_log_prob, temperature, gamma):
    """Return what the critics should say of each transition, shape (row,)."""
    ### BEGIN SOLUTION
    next_value = next_q.min(axis=0) - temperature * next_log_prob
    return reward + gamma * np.where(terminated, 0.0, next_value)
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "06-2", "role": "check"}
check("06-2", soft_target)

# %% [markdown] tags=["lang-en"]
# ## Why two critics, and why the smaller
#
# An actor looks for actions that the critic likes. It therefore finds the places where the critic is wrong in the actor's
# favour: even if errors are zero on average, at the chosen action they are not. This is **overestimation** [3]. And the target hands the mistake on to the
# state before. SAC trains two critics from different random weights and believes the smaller of the two.
#
# In the lab below a critic is $Q$ plus a smooth random error, of the standard deviation on the slider and zero on average. A greedy
# actor picks the action at which its estimate is highest. On the left, one draw: the dots are what is believed of the chosen
# action, the bars lead to the truth. On the right, means of 500 draws.
#
# **Predict.** With errors of deviation 0.3, how much does the believer in one critic overrate its action? Does the minimum of
# two make it too pessimistic?

# %% [markdown] tags=["lang-zh"] twin="7003b7d9"
# ## 为什么要两个评论家，又为什么信较小的
#
# 演员寻找的是评论家喜欢的动作，找到的也就常常是评论家错得对它有利的地方：误差即使平均为零，在选中的动作上却不是，这就是**高估**（overestimation）[3]。目标又把这个错误传给前一个状态。SAC 用不同的随机权重训练两个评论家，相信其中较小的那个。
#
# 在下面的交互实验里，评论家就是 $Q$ 加上一条光滑的随机误差，标准差由滑块决定，平均为零。贪心的演员选取估计最高的动作。左图是一次抽样：圆点是对所选动作的估计，竖线通向真实值。右图是 500 次抽样的平均。
#
# **先预测。** 误差的标准差为 0.3 时，只信一个评论家，会把所选动作高估多少？改信两者中较小的，会不会又太悲观？

# %% named="twins"
from mbpo_teach.widgets.hills import twins_lab

twins_lab()

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# At 0.3, believing one critic overrates the chosen action by 0.35{{twins[2] | .2f}}, believing the smaller of two by
# 0.10{{twins[3] | .2f}}; and the action chosen in the second way is also truly a little better, 1.16{{twins[5] | .2f}} against
# 1.12{{twins[4] | .2f}}. At a noise of 0.1 the smaller one is slightly too low.
#
# </details>
#
# So the minimum is no exact cure: it trades one bias for a smaller one of uncertain sign. At an action chosen
# without looking at the critics it is too low, by 0.56 deviations. But too high is worse than too low: what is overrated gets
# tried, believed and handed on; what is underrated is merely left alone.
# And the lab is kinder than life: its errors are independent. SAC's twins share batches and targets and differ only in their
# first weights, so a part of their error is common to both, and of that part the minimum cures nothing.
#
# ## Three losses, one after the other
#
# Now the same three losses as in the library, each by itself, on the hill and the peak. First the **critic loss**. After one
# action the world ends, so the target is the reward, which is $Q(a)$ with noise of deviation 0.3. (The factor 3 only spreads
# the inputs, for these tiny networks.)

# %% [markdown] tags=["lang-zh"] twin="99d2f747"
# <details><summary>看到了什么</summary>
#
# 标准差为 0.3 时，只信一个评论家，高估 0.35{{twins[2] | .2f}}；取两者中较小的，高估 0.10{{twins[3] | .2f}}，而且选出的动作确实也好一点，1.16{{twins[5] | .2f}} 对 1.12{{twins[4] | .2f}}。噪声为 0.1 时，较小的那个略微偏低。
#
# </details>
#
# 可见取最小并不能根治，只是把一个偏差换成一个更小的、正负不定的偏差。动作如果不是照着评论家选的，最小值就偏低，低 0.56 个标准差。但是偏高比偏低更糟：被高估的动作会被尝试、被相信、被传下去；被低估的动作只是无人问津。这个交互实验还比现实宽厚：两个误差是独立的。SAC 的两个评论家共用批次和目标，只有初始权重不同，所以有一部分误差是两者共有的；对这一部分，取最小毫无用处。
#
# ## 三个损失，一个一个来
#
# 现在把课程代码里的三个损失逐个用到宽丘和窄峰上。先是**评论家损失**。走一个动作世界就结束，所以目标就是奖励，即 $Q(a)$ 加上标准差为 0.3 的噪声。（系数 3 只是把这种小网络的输入拉开一些。）

# %%
from mbpo_teach.nets.networks import MemberMLP
from mbpo_teach.learner.sac import sample_action
from mbpo_teach.learner.losses import actor_loss, critic_loss, temperature_loss

draws = torch_generator(6, "losses")
critics = MemberMLP(2, (1, 64, 64, 1), generator=draws)


def q_of(act):
    return critics(3 * act.reshape(1, -1, 1).expand(2, -1, -1)).squeeze(-1)


# %%
optimiser = torch.optim.Adam(critics.parameters(), lr=1e-2)
learned = {}
for update in range(301):
    if update in (0, 30, 300):
        learned[update] = q_of(hills.ACTIONS.float()).detach()
    act = 2 * torch.rand(128, generator=draws) - 1
    reward = hills.action_value(act) + 0.3 * torch.randn(128, generator=draws)
    loss = critic_loss(q_of(act), reward)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()

# %% [markdown] tags=["lang-en"]
# Then the **actor loss**, $\alpha \log \pi(a\,|\,s) - \min_i Q_i(s, a)$, averaged (equation 7). The action is written as
# $a = \tanh(\mu + \sigma\,\xi)$ with noise $\xi$ that depends on nothing, so that the gradient passes through the action into
# $\mu$ and $\sigma$. Here the actor is just these two numbers. It asks the learned critics, never the true $Q$.

# %% [markdown] tags=["lang-zh"] twin="6cf644b6"
# 然后是**演员损失**，即 $\alpha \log \pi(a\,|\,s) - \min_i Q_i(s, a)$ 的平均（式 7）。动作写成 $a = \tanh(\mu + \sigma\,\xi)$，噪声 $\xi$ 不依赖任何东西，梯度就能穿过动作，传到 $\mu$ 和 $\sigma$。这里的演员就是这两个数。它问的是学出来的评论家，从不问真正的 $Q$。


# %%
def draw(actor):
    mean, log_std = actor.expand(128, 2).split(1, dim=1)
    act, log_prob = sample_action(mean, log_std, torch.randn(128, 1, generator=draws))
    return act[:, 0], log_prob


actor = torch.zeros(2, requires_grad=True)  # mean and log deviation
optimiser = torch.optim.Adam([actor], lr=0.03)
moved = {}
for update in range(301):
    if update in (0, 60, 300):
        moved[update] = actor.detach().clone()
    act, log_prob = draw(actor)
    loss = actor_loss(q_of(act), log_prob, 0.1)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()

# %% [markdown] tags=["lang-en"]
# At last the **temperature loss**, $-\alpha\,(\log \pi(a\,|\,s) + \bar H)$, averaged (equation 18). $\bar H$ is a **target
# entropy**. With too little entropy the bracket is positive, and the loss falls when $\alpha$ grows. The actor goes on learning
# beside it.

# %% [markdown] tags=["lang-zh"] twin="fa922821"
# 最后是**温度损失**，即 $-\alpha\,(\log \pi(a\,|\,s) + \bar H)$ 的平均（式 18）。$\bar H$ 是**目标熵**（target entropy）。熵太小，括号为正，$\alpha$ 增大则损失下降。演员在一旁继续学习。

# %%
log_temperature = torch.tensor(0.1).log().requires_grad_()
own_pace = [{"params": [actor], "lr": 0.03}, {"params": [log_temperature], "lr": 0.01}]
optimiser = torch.optim.Adam(own_pace)
heated = []
for _ in range(401):
    act, log_prob = draw(actor)
    temperature = log_temperature.exp().detach()
    heated.append((temperature.item(), -log_prob.mean().item()))
    loss = actor_loss(q_of(act), log_prob, temperature)
    loss = loss + temperature_loss(log_temperature, log_prob.detach(), -0.6)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()

# %% named="losses"
from mbpo_teach.figures.critics import losses_picture

losses_picture(learned, moved, 0.1, heated, target=-0.6)

# %% [markdown] tags=["lang-en"]
# Left: both critics before the first update, after 30 and after 300, with the true $Q$ in black. The broad hill is there first;
# the narrow peak needs longer, stays a little low, and at the right edge the critics are too low. Middle: the actor's density
# starts as the wide dotted curve and ends as a narrow one **on the hill**, although the first lab said that the peak is better
# at $\alpha = 0.1$. A gradient climbs where it stands: SAC too finds a good policy near its own, not the best there is. What
# helps is a wide start at a high temperature, and luck. Right: the entropy of the draws rises from about $-1$ to its target
# $-0.6${{losses[5] | .1f}}, and to hold it there the temperature has gone from 0.1{{losses[6] | .1f}} to about 0.17{{losses[7] | .2f}}.
#
# ## A temperature that finds itself
#
# Nobody knows a good temperature in advance: it has the units of reward, and what is right at the beginning may be wrong later.
# (The first version of SAC [2] left it to be set by hand.)
# An entropy is easier to name. SAC's usual target is minus the dimension of the action, so $-1$ here.
#
# The lab lets both losses work together, from temperature 1 and a wide actor, with the true $Q$ and with evenly spread
# draws instead of random ones. Blue is the entropy at which the actor's steps arrive if the temperature is held; dotted, the best
# tanh-Gaussian of the first lab.
#
# **Predict.** With the target at $-1$, where will the red path end: on the blue curve or on the dotted one? And what if the
# target is 0.2, an entropy that no point of either curve has?

# %% [markdown] tags=["lang-zh"] twin="de79f837"
# 左图：两个评论家在第一次更新之前、30 次之后、300 次之后的样子，黑线是真正的 $Q$。宽丘先学会；窄峰要更久，最后仍略低，右端也偏低。中图：演员的密度起初是铺得很宽的点线，最后收窄在**宽丘上**，尽管第一个交互实验说 $\alpha = 0.1$ 时窄峰更好。梯度只会从当前的位置往上爬：SAC 找到的也只是离自己不远的好策略，不是最好的策略。有用的是高温、铺得很宽的起点，再加上运气。右图：抽样的熵从 $-1$ 左右升到目标 $-0.6${{losses[5] | .1f}}；为了把它稳在那里，温度从 0.1{{losses[6] | .1f}} 升到了 0.17{{losses[7] | .2f}} 左右。
#
# ## 会自己调节的温度
#
# 谁也不能预先知道多高的温度合适：它的单位就是奖励的单位，而且开始时合适的，后来未必合适。（SAC 最初的版本 [2] 要靠人来定。）熵比较容易说定。SAC 通常以动作维数的相反数为目标，在这里就是 $-1$。
#
# 下面的交互实验让两个损失一起工作，从温度 1 和很宽的演员出发，用真正的 $Q$，抽样也不随机，而是均匀地铺开。蓝线是温度固定时，演员最后的熵；点线是第一个交互实验里最好的 tanh 高斯策略。
#
# **先预测。** 目标为 $-1$ 时，红色路径会停在蓝线上还是点线上？如果目标是 0.2，即两条曲线上都没有的熵，又会怎样？

# %% named="settled"
from mbpo_teach.widgets.hills import target_lab

target_lab()

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# At first the temperature falls, with the actor still as wide as it was; then the actor contracts onto the
# hill, and the path ends where the blue curve crosses the target: at $\alpha = 0.08${{settled[3] | .2f}}. The lower the target, the colder. With 0.6
# it stops on the upper branch at 0.32. Targets of $-0.3$ and $-0.2$ are met a little beyond the end of the lower branch: an actor
# that is on the hill already holds on at temperatures at which one that starts wide never gets there. Between $-0.1$ and 0.5 no
# temperature makes the actor stay: once it lets go of the hill it spreads over everything, the temperature falls, it contracts
# again, and so on for as long as one looks.
#
# </details>
#
# The range of the entropy in the sentence above the figure tells a path that settled from one that swings. A target above
# $\log 2 = 0.69$ could never be met by any policy on $(-1, 1)$; the temperature would rise without end.
#
# ### Exercise 06-3: one step of the temperature
#
# Given the temperature $\alpha$, the log-densities of a batch and the target entropy, take one step of plain gradient descent on
# the temperature loss **in $x = \log\alpha$** and return the new $\alpha$. For $\alpha = 1$, log-densities all 0.5, target
# $-1$ and learning rate 0.1 it is 0.9512.
#
# <details><summary>Hint</summary>
#
# Write the loss with $e^x$ in place of $\alpha$ and differentiate: what is the derivative of $e^x$?
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="b7663ca8"
# <details><summary>看到了什么</summary>
#
# 起初温度下降，演员还和原来一样宽；接着演员收缩到宽丘上，路径停在蓝线与目标相交处，$\alpha = 0.08${{settled[3] | .2f}}。目标越低，温度越低。目标为 0.6 时，它停在上面那一支，温度为 0.32。目标为 $-0.3$ 和 $-0.2$ 时，它停在下面那一支末端稍外一点：有些温度下，从宽处出发的演员到不了宽丘，已经在宽丘上的却守得住。目标在 $-0.1$ 到 0.5 之间时，没有哪个温度能让演员停住：它一松开宽丘就铺满全部动作，温度随之下降，它又收缩回来，如此反复，看多久都是这样。
#
# </details>
#
# 看图上方那句话里熵的范围，就能分清路径是停住了，还是在来回摆动。至于高于 $\log 2 = 0.69$ 的目标，$(-1, 1)$ 上没有任何策略达得到，温度会无止境地升上去。
#
# ### 练习 06-3：温度的一步
#
# 给定温度 $\alpha$、一批对数密度和目标熵，**对 $x = \log\alpha$** 用普通的梯度下降在温度损失上走一步，返回新的 $\alpha$。$\alpha = 1$、对数密度都是 0.5、目标为 $-1$、学习率为 0.1 时，结果应为 0.9512。
#
# <details><summary>提示</summary>
#
# 把损失里的 $\alpha$ 写成 $e^x$ 再求导：$e^x$ 的导数是什么？
#
# </details>

# %% mbpo={"exercise": "06-3", "role": "setup"}
import numpy as np

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "06-3", "role": "answer"}
def temperature_step(
    temperature: float, log_prob: np.ndarray, target_entropy: float, learning_rate: float
) -> float:
    """Return the temperature after one gradient step in its logarithm."""
    ### BEGIN SOLUTION
    slope = -temperature * (log_prob + target_entropy).mean()
    return float(np.exp(np.log(temperature) - learning_rate * slope))
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "06-3", "role": "check"}
check("06-3", temperature_step)

# %% [markdown] tags=["lang-en"]
# ## The order of an update
#
# One update takes a batch and moves everything once: critics, actor, temperature, target critics. Each step looks at something that
# another step moves, so it matters who sees whom before and who sees whom after. SAC (algorithm 1 of its paper) moves the
# critics first, then the actor, then the temperature, and the target critics last. In our library each step sees the following:
#
# - The critics chase a $y$ that is made before anything has moved.
# - The actor asks the critics as they have just become. The temperature in its loss is still the old one.
# - The temperature takes its step by the $\log\pi$ of those actions which the actor drew for its own loss, before its step.
# - The target critics follow the critics as they have just become.
#
# ### Exercise 06-4: one whole update
#
# Put an update together from given parts. `state` is `(actor, critics, temperature, target_critics)`; return the four in this
# order, all moved. The parts change nothing in place, each returns what is new:
#
# | part | gives back |
# |---|---|
# | `make_target(actor, target_critics, temperature)` | $y$ |
# | `step_critics(critics, target)` | the critics after their step towards $y$ |
# | `step_actor(actor, critics, temperature)` | two things: the actor after its step, and the $\log\pi$ of the actions it drew before |
# | `step_temperature(temperature, log_prob)` | the temperature after its step |
# | `average_targets(target_critics, critics)` | the target critics, closer to the critics |
#
# The check plays a SAC of six numbers: one state, an actor that is a mean $m$ and acts $\tanh(m)$, two critics $Q_i(a) = w_i a$
# with their target critics, a temperature. Each of its numbers depends on what its part was given, so every swap, omission or stale value shows.
#
# <details><summary>Hint</summary>
#
# Go through the parts in order and ask for each argument: as it was, or as it has become? If you write the new critics under the
# name of the old ones, nobody can see the old ones any more. Here that is an advantage.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="ee6db8c9"
# ## 更新的顺序
#
# 一次更新取一个批次，让每个部件各动一次：评论家、演员、温度、目标网络。每一步都要用到别的步骤会改动的东西，所以谁看到的是更新前的、谁看到的是更新后的，都有关系。SAC（论文的算法 1）先更新评论家，再更新演员，然后是温度，最后是目标网络。在课程代码里，各步用到的是：
#
# - 评论家所追的 $y$，在一切改动之前算好。
# - 演员问的是刚更新过的评论家。演员损失里的温度还是旧的。
# - 温度这一步用的 $\log\pi$，属于演员为自己的损失抽的那些动作，是在演员更新之前抽的。
# - 目标网络跟随刚更新过的评论家。
#
# ### 练习 06-4：一次完整的更新
#
# 用给定的部件拼出一次更新。`state` 是 `(actor, critics, temperature, target_critics)`；按同样的顺序返回更新后的四项。各部件都不原地修改任何东西，只返回新的值：
#
# | 部件 | 返回 |
# |---|---|
# | `make_target(actor, target_critics, temperature)` | $y$ |
# | `step_critics(critics, target)` | 朝 $y$ 更新后的评论家 |
# | `step_actor(actor, critics, temperature)` | 两项：更新后的演员，以及它更新前所抽动作的 $\log\pi$ |
# | `step_temperature(temperature, log_prob)` | 更新后的温度 |
# | `average_targets(target_critics, critics)` | 向评论家靠近后的目标网络 |
#
# 检查用的是只有六个数的 SAC：一个状态；演员是均值 $m$，动作是 $\tanh(m)$；两个评论家 $Q_i(a) = w_i a$ 和它们的目标网络；外加温度。每个数都取决于部件拿到的是什么，所以颠倒、遗漏或用了过时的值都会显出来。
#
# <details><summary>提示</summary>
#
# 按顺序逐个部件看，对每个参数问一句：要更新前的，还是更新后的？如果把新评论家写在旧名字下面，就再也看不到旧的了；在这里，这是好事。
#
# </details>

# %% mbpo={"exercise": "06-4", "role": "setup"}
from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "06-4", "role": "answer"}
def one_update(state, make_target, step_critics, step_actor, step_temperature, average_targets):
    """Return (actor, critics, temperature, target_critics) after one update."""
    ### BEGIN SOLUTION
    actor, critics, temperature, target_critics = state
    target = make_target(actor, target_critics, temperature)
    critics = step_critics(critics, target)
    actor, log_prob = step_actor(actor, critics, temperature)
    temperature = step_temperature(temperature, log_prob)
    target_critics = average_targets(target_critics, critics)
    return actor, critics, temperature, target_critics
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "06-4", "role": "check"}
check("06-4", one_update)

# %% [markdown] tags=["lang-en"]
# Your function is SAC's, only the parts are small. With the library's networks, losses and Adam as parts, the solution gives
# the numbers of the library's own `sac_update`, bit for bit; one of the course's tests does just that.
#
# ## All together, on a real problem
#
# Now there are states as well, and networks put out $\mu(s)$, $\sigma(s)$ and $Q(s, a)$. One update, in the order that you have
# just written, is in [`mbpo_teach/learner/sac.py`](../../mbpo_teach/learner/sac.py) one function of
# tensors, `sac_update`, with nothing random inside: the noise is an argument.
# [`mbpo_teach/algorithms/model_free.py`](../../mbpo_teach/algorithms/model_free.py) is the loop around it: one step in the world, remember it, one update
# from a random batch of everything remembered. It is a generator of reports.
#
# Pendulum-v1: a pendulum has to be swung up and held, with a torque too weak to lift it at once. Each step costs up to 16.3,
# an episode of 200 steps about 1,200 to 1,700 for someone who has no idea. Every 250 steps the policy, without its noise, is
# judged from ten starts that are always the same; these same starts judge every algorithm of the course.
#
# You may press ■ while it runs: the training ends there, the figure says so, and what was learned is kept.
#
# **Predict.** How many episodes of 200 steps does it take until the pendulum stands?

# %% [markdown] tags=["lang-zh"] twin="25f2c3de"
# 你写的函数就是 SAC 的更新，只是部件很小。换上课程代码的网络、损失和 Adam 作部件，答案给出的数与课程自己的 `sac_update` 逐位相同；课程的一个测试做的正是这件事。
#
# ## 合在一起，解一个真正的问题
#
# 现在有了状态，$\mu(s)$、$\sigma(s)$ 和 $Q(s, a)$ 都由网络输出。按你刚写下的顺序做的一次更新，在 [`mbpo_teach/learner/sac.py`](../../mbpo_teach/learner/sac.py) 里是一个张量函数 `sac_update`，里面没有任何随机的东西：噪声是参数。[`mbpo_teach/algorithms/model_free.py`](../../mbpo_teach/algorithms/model_free.py) 是外面的循环：在环境里走一步，记下来，从记下的一切中随机取一批，更新一次。它是一个不断给出报告的生成器。
#
# Pendulum-v1：要把摆甩起来并立住，而力矩太小，不能一下子举起它。每一步的奖励最低为 $-16.3$；什么都不懂的策略，200 步的一个回合，回报大约在 $-1{,}700$ 与 $-1{,}200$ 之间。每 250 步，策略去掉噪声，从十个始终相同的起点接受评判；课程里所有算法都用这十个起点。
#
# 运行时可以按 ■：训练就此结束，图上会注明，学到的都保留下来。
#
# **先预测。** 200 步一个回合，要多少个回合，摆才能立住？

# %% named="live"
from mbpo_teach.world import evaluate
from mbpo_teach.records import archive
from mbpo_teach.learner import sac
from mbpo_teach.algorithms.model_free import ModelFreeConfig, train_sac
from mbpo_teach.learner.sac import SACConfig
from mbpo_teach.widgets.live import watch

learner = SACConfig(hidden=(64, 64), batch_size=128, learning_rate=3e-3)
config = ModelFreeConfig(total_steps=4000, random_steps=200, report_every=250, sac=learner)
best_known = evaluate.best_known("Pendulum-v1").mean().item()
reports = watch(
    train_sac("Pendulum-v1", config, seed=0),
    world="Pendulum-v1", total_steps=4000, lowest=-1900, highest=0, best=best_known,
)  # fmt: skip

# %% [markdown] tags=["lang-en"]
# The blue line is the mean return from the ten starts; the band reaches from the worst of them to the best, and the dashed
# line is the best mean known: actions found by solving the pendulum on a fine grid, played in the simulator.
#
# <details><summary>What was seen</summary>
#
# At first it gets worse: the actor follows critics who know nothing yet. From step 1,000 on the return climbs, not evenly. At step
# 3,250, after 16 episodes, the mean comes near $-200$, and it ends at $-177${{live[2] | .0f}}, the worst of the ten starts at
# $-351${{live[3] | .0f}}; the best mean known is $-158$. Not every seed climbs like this one without a fall: the records below will
# show some.
#
# </details>
#
# A start with the pendulum nearly upright costs nothing; one that has to be swung up first
# costs some hundreds even if it is done well. On another machine the digits, and even the step at which the climb begins, will
# differ. So only two things are compared below, and they hold anywhere: the last report's policy, judged again, gives the same
# returns, and it is far better than the first.

# %% [markdown] tags=["lang-zh"] twin="f05593fd"
# 蓝线是十个起点的平均回报，色带从其中最差的画到最好的；虚线是已知最好的平均回报，是先在细网格上解出摆的控制问题、再在仿真器里执行得到的。
#
# <details><summary>看到了什么</summary>
#
# 起初越学越差：演员跟着还什么都不懂的评论家走。从 1,000 步起，回报开始攀升，时快时慢。到第 3,250 步，走完 16 个回合，平均回报接近 $-200$，最后是 $-177${{live[2] | .0f}}，十个起点中最差的是 $-351${{live[3] | .0f}}；已知最好的平均回报是 $-158$。并不是每个种子都像这个一样中途不退步，看下面的记录。
#
# </details>
#
# 起点已接近直立的，回报接近零；要先甩起来的，做得再好也是负几百。换一台机器，数字乃至开始攀升的时刻都会不同，所以下面只比较在哪里都成立的两件事：最后一次报告的策略重新评判，回报相同；它比第一次的好得多。

# %% tags=["nbval-check-output"]
policy = sac.policy_of(reports[-1].learner, learner, act_size=1)
again = evaluate.returns(evaluate.starting_places("Pendulum-v1"), policy)
print(torch.equal(again, reports[-1].returns))
print((again.mean() - reports[0].returns.mean()).item() > 300)

# %% [markdown] tags=["lang-en"]
# Two times True. After an interrupt, too, `reports` holds everything up to the last report. Once there is one, this cell
# runs; after an early stop its second line may say False.

# %% [markdown] tags=["lang-zh"] twin="4857c2ac"
# 两次 True。被中断之后，`reports` 里也有到最后一次报告为止的一切；只要有过一次报告，这个单元格就能运行，只是停得太早的话，第二行可能是 False。

# %% [markdown] tags=["lang-en"]
# ## Recorded: five seeds, and a second world
#
# One seed proves little. The records hold five runs of 10,000 steps on the pendulum, and five on InvertedPendulum-v5, MuJoCo's pole on a
# cart: reward 1 for every step on which the pole stands, 1,000 at most, and a real end when it falls. The learner is
# that of the cell above; here the cart's first 500 steps are random, not 200, and a report comes every 500 steps, not every 250. `python tools/record_sac.py` makes the records again; every seed is stored, whatever came of it.
#
# **Predict.** Which of the two needs more real steps? And will five seeds look alike?

# %% [markdown] tags=["lang-zh"] twin="fb4ce524"
# ## 记录：五个种子，再加一个环境
#
# 一个种子说明不了什么。记录里有摆的五次训练，每次 10,000 步；还有 InvertedPendulum-v5 的五次，那是 MuJoCo 里小车上的一根杆，杆每立住一步得奖励 1，最多 1,000 步，倒下就真的终止。学习器与上面的单元格相同；只是小车开头随机走 500 步，不是 200 步，每 500 步报告一次，不是 250 步。用 `python tools/record_sac.py` 可以重新生成这些记录；每个种子都存了下来，不论结果如何。
#
# **先预测。** 两者之中，哪一个要更多的真实步数？五个种子会差不多吗？

# %%
import numpy as np

from mbpo_teach.figures.learning import learning_picture

recorded = {}
for world in ("Pendulum-v1", "InvertedPendulum-v5"):
    record = archive.load(f"sac_{world}").arrays
    recorded[world] = record["steps"], record["returns"].mean(axis=2)
levels = {
    "Pendulum-v1": ("best", best_known),
    "InvertedPendulum-v5": ("most", 1000),
}
learning_picture(recorded, levels)

# %% named="solved" tags=["nbval-check-output"]
for (world, (steps, means)), enough in zip(recorded.items(), (-200, 950), strict=True):
    reached = [
        int(steps[(one >= enough).argmax()]) if (one >= enough).any() else 0 for one in means
    ]
    print(world, enough, reached, f"{np.median(means[:, -1]):.0f}")

# %% [markdown] tags=["lang-en"]
# Each line is one seed's mean return from the ten starts, the thick one the median of the seeds. Below the figure stand the level that
# counts as solved, the step at which each seed first reached it, and the median at the end.
#
# <details><summary>What was seen</summary>
#
# On the pendulum all five seeds reach $-200${{solved[0] | .0f}} after 3,250{{min(solved[1:6]) | .0f}} to 5,750{{max(solved[1:6]) | .0f}}
# steps, do not fall below it again, and end within about 20 of the best known. Four fell back on the way, the farthest from
# $-389$ to $-909$. On the cart nothing seems to happen for 7,000 steps and more: the pole falls after 20 to 160. Then, between
# one report and the next, it stands for all 1,000{{solved[13] | .0f}}, first at step 8,000{{min(solved[8:13]) | .0f}}. Two seeds
# lost it again for one report, and seed 3 got there with its very last, at step 10,000{{solved[11] | .0f}}. The median hides all
# this, and one seed alone would have told another story.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="ad44138f"
# 每条细线是一个种子从十个起点出发的平均回报，粗线是各种子的中位数。图下列出算作解决的水平、每个种子首次达到它的步数，以及最后的中位数。
#
# <details><summary>看到了什么</summary>
#
# 摆的五个种子都在 3,250{{min(solved[1:6]) | .0f}} 到 5,750{{max(solved[1:6]) | .0f}} 步之间达到 $-200${{solved[0] | .0f}}，此后没有再掉到它下面，最后离已知最好的水平约 20 以内。其中四个中途退步过，退得最多的从 $-389$ 退到 $-909$。小车上则有 7,000 多步看似毫无动静，杆立 20 到 160 步就倒；然后，就在相邻两次报告之间，它一下子立满了 1,000{{solved[13] | .0f}} 步，最早是在第 8,000{{min(solved[8:13]) | .0f}} 步。有两个种子后来又在某一次报告中让杆倒了，种子 3 直到最后一次报告、第 10,000{{solved[11] | .0f}} 步才做到。只看中位数，这些都看不见；只看一个种子，讲出来的又是另一个故事。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## What it costs, and what failed
#
# 4,000 real steps for the smallest of the course's simulators, each step remembered and used again in about 120 batches, and
# twice as many for a pole on a cart. The SAC paper counts the steps on MuJoCo's walkers in millions.
#
# Not everything works. With the SAC paper's learning rate, $3\cdot 10^{-4}$ instead of $3\cdot 10^{-3}$, seed 0 was still near
# $-1{,}200$ after 4,000 steps, on the machine that wrote this. That rate is no mistake. It was chosen for runs hundreds of times as long; here there
# are 3,800 updates in all, and so many small steps lead nowhere. Put it in and see.
#
# The critics learned what actions are worth, and nobody learned what the pendulum *does*, though every transition says so.
# A model learns that from a few hundred steps, as chapters 02 and 03 have shown. Chapter 07 asks how many of the real steps imagined ones
# can replace.

# %% [markdown] tags=["lang-zh"] twin="d4d23c32"
# ## 需要多少真实交互，以及没有成功的尝试
#
# 课程里最小的仿真器用了 4,000 步真实交互，每条转移都记了下来，平均在大约 120 个批次里重复使用；小车上的杆要再多一倍。在 MuJoCo 的步行机器人上，SAC 论文里的步数以百万计。
#
# 也不是什么都行得通：学习率取 SAC 论文的 $3\cdot 10^{-4}$ 而不是 $3\cdot 10^{-3}$，在写下这些话的机器上，种子 0 走完 4,000 步仍在 $-1{,}200$ 附近。那个学习率并没有错，它是为长几百倍的训练选的；这里总共只更新 3,800 次，每次改动这么小，走不了多远。不妨换上去看看。
#
# 评论家学会了动作值多少，却没有谁去学摆*会怎样动*，尽管每条转移都在说这件事。第 02、03 章已经看到，模型用几百步真实交互就能学会。第 07 章要问：真实交互有多少可以由想象的转移代替？

# %% [markdown] tags=["lang-en"]
# ## Quiz
#
# **1. The temperature goes to zero. What becomes of the soft value, of $\pi^*$, and of the soft target?**
#
# <details><summary>Answer</summary>
#
# The soft value $\alpha\log Z$ becomes $\max_a Q$ and $\pi^*$ a spike at the best action. In the target the entropy drops out,
# and what is left is the smaller $Q$ of the action that the policy takes: nearly Q-learning.
#
# </details>
#
# **2. Somebody computes log-densities with $1 - \tanh^2(a)$, where $a = \tanh(u)$. Training goes on without an error. What goes
# wrong?**
#
# <details><summary>Answer</summary>
#
# For large $|u|$ the correction stops at $-0.868$ instead of going on to $-\infty$. Actions at the limits look less dense than
# they are, the entropy is overestimated there, and the temperature, which steers by that entropy, ends too low. Nothing crashes;
# only a comparison with a known density, or its integral, shows it.
#
# </details>
#
# **3. A pendulum's episode stops at step 200, a robot falls at step 37. In which of the two targets does the next state
# count?**
#
# <details><summary>Answer</summary>
#
# In the pendulum's. A time limit is no event of the world: the next state has a value, and leaving it out turned $-100$ into
# $-66.9$ above. After the fall nothing follows, and $y = r$.
#
# </details>
#
# **4. A robot's action is one number, and you set a target entropy of $+1$. What will the temperature do?**
#
# <details><summary>Answer</summary>
#
# No density on $(-1, 1)$ has more than $\log 2 = 0.69$ nats. There is always too little entropy, so $\alpha$ grows without end,
# and in the end reward no longer counts.
#
# </details>
#
# **5. Why not average the two critics instead of taking the minimum?**
#
# <details><summary>Answer</summary>
#
# Averaging makes the error smaller, but its sign stays: an actor that maximises an average still finds the places where the
# average is too high. The minimum is high only where both are, and errors that are not shared are seldom high at the same action.
#
# </details>
#
# **6. Somebody averages the target critics first and makes the target afterwards. Does the check of exercise 06-4 notice, and could
# one see it in a training?**
#
# <details><summary>Answer</summary>
#
# The check does: it compares numbers, and $y$ comes from target critics that have moved. In a training it would be hard to see: at
# $\tau = 0.005$ the weights of the target critics have moved by only half a percent of the way. So updates are compared by their
# numbers, not by the return.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="c7f0b345"
# ## 小测
#
# **1. 温度趋于零时，软价值、$\pi^*$ 和软目标各变成什么？**
#
# <details><summary>答案</summary>
#
# 软价值 $\alpha\log Z$ 变成 $\max_a Q$，$\pi^*$ 变成最好动作上的一根尖刺。目标里的熵消失，剩下的是策略所取动作的较小的 $Q$：差不多就是 Q-learning。
#
# </details>
#
# **2. 有人用 $1 - \tanh^2(a)$ 计算对数密度，其中 $a = \tanh(u)$。训练照常进行，没有报错。哪里会出问题？**
#
# <details><summary>答案</summary>
#
# $|u|$ 很大时，修正项停在 $-0.868$，而不是继续走向 $-\infty$。边界上的动作显得没有实际那么密，那里的熵被高估，而温度是看着这个熵来调的，结果就偏低。什么也不会崩溃；只有与已知的密度比较，或者算一算积分，才看得出来。
#
# </details>
#
# **3. 摆的回合在第 200 步停下，机器人在第 37 步倒下。两者的目标里，哪一个要算上下一个状态？**
#
# <details><summary>答案</summary>
#
# 摆的。时间限制不是环境里发生的事：下一个状态有它的价值，上面漏掉它，$-100$ 就成了 $-66.9$。倒下之后什么也没有，$y = r$。
#
# </details>
#
# **4. 机器人的动作只有一维，你把目标熵设为 $+1$。温度会怎样？**
#
# <details><summary>答案</summary>
#
# $(-1, 1)$ 上任何密度的熵都不超过 $\log 2 = 0.69$ 奈特。熵永远嫌少，$\alpha$ 就无止境地增长，最后奖励不再起作用。
#
# </details>
#
# **5. 为什么不把两个评论家平均，而要取较小的？**
#
# <details><summary>答案</summary>
#
# 平均能使误差变小，却改不了它的符号：演员最大化一个平均值，找到的仍然是平均值偏高的地方。最小值只有在两者都偏高时才偏高，而两者各自独有的误差，很少在同一个动作上同时偏高。
#
# </details>
#
# **6. 有人先让目标网络靠近评论家，再计算目标。练习 06-4 的检查会发现吗？训练时看得出来吗？**
#
# <details><summary>答案</summary>
#
# 检查会发现：它比较的是数，而这时的 $y$ 出自已经移动过的目标网络。训练时很难看出来：$\tau = 0.005$ 时，目标网络的权重只移动了千分之五的路。所以要比较的是更新得到的数，而不是回报。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Take-aways
#
# - SAC maximises reward plus $\alpha$ times entropy. For one state the best policy is $e^{Q/\alpha}/Z$ and its worth the soft value
#   $\alpha\log Z$.
# - The log-density of a squashed action needs $-\log(1 - \tanh^2(u))$ for every dimension of the action: $-(-2.650)$ at $u = 2$, tanh taken once.
# - The critics follow $r + \gamma(1-d)[\min_i \bar Q_i - \alpha\log\pi]$. Termination stops the bootstrap, a time limit never does.
# - The smaller of two critics holds the actor's optimism down; the temperature keeps the entropy at a target, where the
#   policies on offer allow it.
# - One update: target, critics, actor, temperature, target critics, each once. The actor asks the new critics; the temperature is the old one until its turn.
# - The actor climbs from where it stands. And SAC alone learns from real steps only.
#
# ## References
#
# 1. T. Haarnoja and others. *Soft Actor-Critic Algorithms and Applications.* 2018,
#    [arXiv 1812.05905](https://arxiv.org/abs/1812.05905). Equations 2 and 3 for the soft target, 4 for the best policy, 5 and 7 for
#    the losses of critic and actor, 18 for the temperature's, appendix C for the bound on actions.
# 2. T. Haarnoja, A. Zhou, P. Abbeel, S. Levine. *Soft Actor-Critic.* ICML 2018,
#    [arXiv 1801.01290](https://arxiv.org/abs/1801.01290). The first version, without the tuned temperature.
# 3. S. Fujimoto, H. van Hoof, D. Meger. *Addressing Function Approximation Error in Actor-Critic Methods.* ICML 2018,
#    [arXiv 1802.09477](https://arxiv.org/abs/1802.09477). The smaller of two critics; section 4 for the bias.
# 4. F. Pardo and others. *Time Limits in Reinforcement Learning.* ICML 2018,
#    [arXiv 1712.00378](https://arxiv.org/abs/1712.00378). Why a time limit is no end.
# 5. W. Zhang, J. Shen, Y. Yu. *Hands-on Reinforcement Learning*, in Chinese; its code at
#    [boyu-ai/Hands-on-RL](https://github.com/boyu-ai/Hands-on-RL/tree/1b9f13904965fac86f18a4740f75f60cc3344e0c/Code4RL), commit
#    1b9f139: chapter 14, `PolicyNetContinuous` for the tanh; `rl_utils.py` for `done`.
# 6. [Xingyu-Lin/mbpo_pytorch](https://github.com/Xingyu-Lin/mbpo_pytorch/tree/43c8a55fa7353c6aed97525d0ecd5cb903b55377), commit
#    43c8a55: `sample_env.py` returns the flag of `step`, `main_mbpo.py` stores it.
#
# **Next:** [chapter 07, MBPO](07_mbpo.ipynb): the same learner, which now learns from branches of a model as well.

# %% [markdown] tags=["lang-zh"] twin="bf6c3349"
# ## 要点
#
# - SAC 最大化奖励加上 $\alpha$ 乘以熵。只有一个状态时，最好的策略是 $e^{Q/\alpha}/Z$，它的目标值就是软价值 $\alpha\log Z$。
# - 压缩后动作的对数密度，对动作的每一维都要加上 $-\log(1 - \tanh^2(u))$：在 $u = 2$ 处是 $-(-2.650)$，tanh 只用一次。
# - 评论家追随 $r + \gamma(1-d)[\min_i \bar Q_i - \alpha\log\pi]$。终止会切断自举（bootstrapping），时间限制绝不会。
# - 两个评论家取较小，压住演员的乐观；在可选的策略允许的范围内，温度使熵保持在目标处。
# - 一次更新：目标、评论家、演员、温度、目标网络，各一次。演员问的是新的评论家；温度在轮到它之前都是旧的。
# - 演员从当前所在的位置往上爬。只用 SAC，就只能从真实交互中学习。
#
# ## 参考文献
#
# 1. T. Haarnoja 等. *Soft Actor-Critic Algorithms and Applications.* 2018,
#    [arXiv 1812.05905](https://arxiv.org/abs/1812.05905)。软目标见式 2、3，最好的策略见式 4，评论家和演员的损失见式 5、7，温度的损失见式 18，动作的界见附录 C。
# 2. T. Haarnoja, A. Zhou, P. Abbeel, S. Levine. *Soft Actor-Critic.* ICML 2018,
#    [arXiv 1801.01290](https://arxiv.org/abs/1801.01290)。最初的版本，温度不调。
# 3. S. Fujimoto, H. van Hoof, D. Meger. *Addressing Function Approximation Error in Actor-Critic Methods.* ICML 2018,
#    [arXiv 1802.09477](https://arxiv.org/abs/1802.09477)。两个评论家取较小；偏差见第 4 节。
# 4. F. Pardo 等. *Time Limits in Reinforcement Learning.* ICML 2018,
#    [arXiv 1712.00378](https://arxiv.org/abs/1712.00378)。为什么时间限制不是终止。
# 5. 张伟楠、沈键、俞勇. 《动手学强化学习》。配套代码
#    [boyu-ai/Hands-on-RL](https://github.com/boyu-ai/Hands-on-RL/tree/1b9f13904965fac86f18a4740f75f60cc3344e0c/Code4RL)，提交 1b9f139：tanh 见第 14 章的 `PolicyNetContinuous`，`done` 见 `rl_utils.py`。
# 6. [Xingyu-Lin/mbpo_pytorch](https://github.com/Xingyu-Lin/mbpo_pytorch/tree/43c8a55fa7353c6aed97525d0ecd5cb903b55377)，提交 43c8a55：`sample_env.py` 返回 `step` 的标志，`main_mbpo.py` 把它存下。
#
# **下一章：**[第 07 章“MBPO”](07_mbpo.ipynb)：同一个学习器，改为也从模型的分支推演中学习。
