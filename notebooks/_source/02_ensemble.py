# %% [markdown] tags=["lang-en"]
# # 02 · Ensembles: where does a model guess?
#
# A table knows which transitions it has never met. A network answers every question, also those about places where it has
# seen nothing. This chapter builds the model that MBPO uses: networks that predict how noisy the world is, several of
# them, so that their disagreement shows where they guess.
#
# | this chapter | in short |
# |---|---|
# | **Objectives** | Tell aleatoric from epistemic uncertainty; write the Gaussian likelihood, the variance of a mixture and the soft clamp; say why log-variance has limits and why these are trained; explain bootstrap, holdout, early stopping and elites; judge a model by its calibration; scale targets so that nothing drowns. |
# | **Prerequisites** | Chapter [01](01_dyna_q.ipynb), its last section at least; how a network is trained by gradient descent. |
# | **Reading time** | 80 minutes with the exercises |
# | **Run time** | about 40 s on two cores |
# | **Terms** | [glossary](../../docs/glossary.md) |
# | **Language** | English · [中文](../zh/02_ensemble.ipynb) |

# %% [markdown] tags=["lang-zh"] twin="046ebeb3"
# # 02 · 模型集成：模型在哪里猜？
#
# 表格知道哪些转移自己从没见过。网络却有问必答，哪怕问的是它从没见过数据的地方。本章搭建 MBPO 所用的模型：网络同时预测世界有多大的噪声，
# 而且不止一个网络；它们意见不一的地方，就是它们在猜的地方。
#
# | 本章 | 概要 |
# |---|---|
# | **学习目标** | 分清偶然不确定性与认知不确定性；写出高斯似然、混合分布的方差和软限幅；说清对数方差为什么要有界限、界限为什么要参加训练；解释自助样本、留出数据、提前停止和精英成员；用校准评判模型；缩放目标，使任何一列都不被淹没。 |
# | **预备知识** | 第 [01](01_dyna_q.ipynb) 章，至少读过最后一节；知道怎样用梯度下降训练网络。 |
# | **阅读时间** | 连同练习 80 分钟 |
# | **运行时间** | 双核机器上约 40 秒 |
# | **术语** | [术语表](../../docs/glossary.md) |
# | **语言** | [English](../en/02_ensemble.ipynb) · 中文 |

# %% [markdown] tags=["lang-en"]
# ## Two ways of not knowing
#
# Before the world we take a curve, because there one can see everything. Points $(x, y)$ lie about a smooth curve.
# Two things are made difficult on purpose: the noise grows from left to right, and in the middle there are no data.
#
# - What the noise hides is **aleatoric** uncertainty (from *alea*, the die). It belongs to the world; more data do
#   not remove it.
# - What the gap hides is **epistemic** uncertainty (from *episteme*, knowledge). It belongs to the learner; data from
#   the gap would remove it.
#
# An agent needs to tell the two apart. Noise has to be lived with, ignorance can be avoided or cured.
#
# The networks of this chapter are so small that sharing their work among threads costs more than it saves, so the
# first cell asks PyTorch for one.

# %% [markdown] tags=["lang-zh"] twin="fca9c8e7"
# ## 两种“不知道”
#
# 先不看环境，看一条曲线，因为在这里什么都看得见。数据点 $(x, y)$ 分布在一条光滑曲线附近。有两处是故意为难的：噪声从左到右越来越大；中间一段没有数据。
#
# - 被噪声遮住的，是**偶然不确定性**（aleatoric uncertainty，词根 *alea* 是骰子）。它属于世界，数据再多也消除不了。
# - 被空缺遮住的，是**认知不确定性**（epistemic uncertainty，词根 *episteme* 是知识）。它属于学习器，只要有那一段的数据就能消除。
#
# 智能体必须分清这两者：噪声只能接受，无知却可以避开，也可以补救。
#
# 本章的网络很小，把活分给几个线程反而更慢，所以第一个单元格让 PyTorch 只用一个线程。

# %% tags=["nbval-check-output"] named="sample"
import torch

from mbpo_teach.model import curves
from mbpo_teach.nets.networks import MemberMLP
from mbpo_teach.ground.seeding import generator, torch_generator

torch.set_num_threads(1)
points = curves.sample_curve(150, noise=0.3, generator=torch_generator(0, "points"))
low, high = curves.GAP
print(tuple(points.x.shape), int(((points.x > low) & (points.x < high)).sum()))
print(curves.noise_deviation(torch.tensor([-2.0, 2.0]), 0.3))

# %% [markdown] tags=["lang-en"]
# 150{{sample[0] | .0f}} points, none of them in the gap from −0.8 to 1. The last line is the true *standard deviation*
# of the noise, the root of its variance, at $x = -2$ and at $x = 2$: 0.035{{sample[3] | .3f}} and
# 0.30{{sample[4] | .2f}}. "Deviation" without more is always meant in this sense.
#
# ## Predicting a distribution
#
# A network trained on squared error learns a mean and nothing else. Let it put out two numbers instead, a mean
# $\mu(x)$ and a **log-variance** $\ell(x) = \log \sigma^2(x)$. The logarithm, because a network's output can be any
# real number and a variance cannot be negative. Train it by the **negative log-likelihood** (NLL) of the data, for
# each output
#
# $$-\log \mathcal N\big(y;\, \mu, \sigma^2\big) = \tfrac12\left[\frac{(y-\mu)^2}{\sigma^2} + \log\sigma^2 + \log 2\pi\right].$$
#
# The first term punishes errors, less so where the network admits a large variance. The second punishes the
# admission. For an error $e$ the sum is smallest at $\sigma^2 = e^2$: the honest variance has the smallest loss.
#
# **Predict.** The error is 1. Which variance has the largest loss: 0.25, 1 or 4?

# %% [markdown] tags=["lang-zh"] twin="5f7d17e5"
# 150{{sample[0] | .0f}} 个点，从 −0.8 到 1 的空缺里一个也没有。最后一行是噪声在 $x = -2$ 和 $x = 2$ 处真实的**标准差**
# （standard deviation，即方差的平方根）：0.035{{sample[3] | .3f}} 和 0.30{{sample[4] | .2f}}。
#
# ## 预测一个分布
#
# 用平方误差训练的网络，只学到均值。现在让它输出两个数：均值 $\mu(x)$ 和**对数方差**（log-variance）$\ell(x) = \log \sigma^2(x)$。取对数，是因为网络的输出可以是任何实数，
# 而方差不能为负。训练时让数据的**负对数似然**（negative log-likelihood，NLL）尽量小，每个输出的是
#
# $$-\log \mathcal N\big(y;\, \mu, \sigma^2\big) = \tfrac12\left[\frac{(y-\mu)^2}{\sigma^2} + \log\sigma^2 + \log 2\pi\right].$$
#
# 第一项惩罚误差；网络承认的方差越大，惩罚越轻。第二项则惩罚把方差报大。误差为 $e$ 时，总和在 $\sigma^2 = e^2$ 处最小：如实报告，损失最小。
#
# **先预测。** 误差是 1。方差取 0.25、1、4 之中的哪一个，损失最大？

# %% tags=["nbval-check-output"] named="costs"
import math

from torch.distributions import Normal

from mbpo_teach.nets.gaussian import gaussian_nll

for variance in (0.25, 1, 4):
    print(variance, f"{0.5 * (1 / variance + math.log(variance) + math.log(2 * math.pi)):.3f}")
mean, log_var, y = torch.randn(3, 5, 2, generator=torch_generator(0, "numbers"))
each = 0.5 * ((y - mean) ** 2 / log_var.exp() + log_var + math.log(2 * math.pi))
theirs = -Normal(mean, (0.5 * log_var).exp()).log_prob(y)
print(torch.allclose(each, theirs, atol=1e-5))
print(torch.allclose(each.sum(dim=1), gaussian_nll(mean, log_var, y), atol=1e-5))

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# Too small a variance is the worst mistake: 2.226{{costs[1] | .3f}}, against 1.737{{costs[5] | .3f}} for one too large by
# the same factor.
#
# </details>
#
# The last two lines say that our formula agrees with PyTorch's `Normal`, and, added up over the outputs of a row, with
# the course's `gaussian_nll`.
#
# ### Exercise 02-1: the Gaussian NLL
#
# Write it for arrays of shape (row, output): one number for each row, added up over the outputs, shape (row,). For
# mean 0, log-variance 0 and target 2 it is 2.9189.
#
# <details><summary>Hint</summary>
#
# `np.exp(log_var)` is the variance $\sigma^2$, not the deviation. Three terms, one half before all of them, and the
# sum over the last axis.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="68141c7b"
# <details><summary>看到了什么</summary>
#
# 方差报得太小，损失最大：2.226{{costs[1] | .3f}}；大了同样的倍数，损失只有 1.737{{costs[5] | .3f}}。
#
# </details>
#
# 最后两行说明，这个公式与 PyTorch 的 `Normal` 一致，按行把各个输出相加之后，也与课程的 `gaussian_nll` 一致。
#
# ### 练习 02-1：高斯负对数似然
#
# 输入是形状为（行，输出）的数组；每行返回一个数，即各个输出之和，形状为（行，）。均值 0、对数方差 0、目标 2 时，结果应为 2.9189。
#
# <details><summary>提示</summary>
#
# `np.exp(log_var)` 是方差 $\sigma^2$，不是标准差。一共三项，前面都有二分之一，最后沿末轴求和。
#
# </details>

# %% mbpo={"exercise": "02-1", "role": "setup"}
import numpy as np

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "02-1", "role": "answer"}
def nll(mean: np.ndarray, log_var: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return -log N(target; mean, exp(log_var)), added up over outputs, shape (row,)."""
    ### BEGIN SOLUTION
    squared = (target - mean) ** 2 / np.exp(log_var)
    return 0.5 * (squared + log_var + np.log(2 * np.pi)).sum(axis=-1)
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "02-1", "role": "check"}
check("02-1", nll)

# %% [markdown] tags=["lang-en"]
# ## One network
#
# Here is the whole training, by hand. `MemberMLP` is the course's multi-layer perceptron; its first argument is the
# number of networks, one for now, stacked along the first axis. `to_log_var` says what becomes of the second output;
# for now nothing. `limits` is for later. `deviations` keeps a diary of what the network predicts.

# %% [markdown] tags=["lang-zh"] twin="cc9789f6"
# ## 一个网络
#
# 下面是手写的完整训练过程。`MemberMLP` 是课程里的多层感知机，第一个参数是网络的个数，沿第一轴叠放，现在只要一个。`to_log_var`
# 决定怎样处理第二个输出，眼下什么也不做。`limits` 后面才用到。`deviations` 记录网络在训练中预测的标准差。


# %%
def train(points, networks, to_log_var, limits=(), steps=1000):
    optimiser = torch.optim.Adam([*networks.parameters(), *limits], lr=5e-3)
    x = points.x.expand(len(networks.layers[0].weight), -1, -1)
    deviations = []
    for _ in range(steps):
        mean, raw = networks(x).chunk(2, dim=-1)
        log_var = to_log_var(raw)
        loss = gaussian_nll(mean, log_var, points.y.expand_as(mean)).mean(dim=1).sum()
        if limits:
            loss = loss + 0.01 * (limits[1] - limits[0]).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        deviations.append((0.5 * log_var).exp().detach().mean(dim=(1, 2)))
    return torch.stack(deviations)


# %% [markdown] tags=["lang-en"]
# **Predict.** Will the predicted deviation follow the noise where there are data? And what will it be in the gap:
# large, because the network has seen nothing there, or something else?

# %% [markdown] tags=["lang-zh"] twin="245745a5"
# **先预测。** 在有数据的地方，预测的标准差会跟上噪声吗？在空缺里它会是多少：因为什么都没见过而变大，还是别的样子？

# %% named="single"
from mbpo_teach.figures import curve


def look(networks, to_log_var, x):
    with torch.no_grad():
        mean, raw = networks(x[:, None].expand(len(networks.layers[0].weight), -1, -1)).chunk(2, -1)
        return mean[..., 0], (0.5 * to_log_var(raw)).exp()[..., 0]


grid = torch.linspace(-4, 4, 161)
single = MemberMLP(1, (1, 32, 32, 2), generator=torch_generator(5, "single"))
train(points, single, lambda raw: raw)
mean, deviation = look(single, lambda raw: raw, grid)
curve.one_network(points, grid, mean[0], deviation[0])

# %% [markdown] tags=["lang-en"]
# Dots are data, the dashed line is the true curve, the solid line the predicted mean, and the band reaches two
# predicted deviations to each side. Where the picture is grey there are no data, here and in all figures of this kind.
#
# <details><summary>What was seen</summary>
#
# Where there are data the band is narrow on the left and wide on the right, as the noise is: nobody told the network,
# the likelihood did. In the gap the band simply joins the two sides. No row from there ever entered the loss, so nothing
# made the network admit anything. The mean there is a guess, this time a poor one: it is off by up to
# 0.44{{single[1] | .2f}}, while the deviation that the network reports there is 0.15{{single[2] | .2f}} on average. In
# places the true curve leaves the band, as it does left of the data. With other initial weights it would be another
# guess, with a band about it that is just as sure of itself. This network knows the noise. It does not know what it does
# not know.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="3cb0d37d"
# 点是数据，虚线是真实曲线，实线是预测的均值，色带向两侧各伸出两个预测标准差。灰色的地方没有数据，以后这类图都是如此。
#
# <details><summary>看到了什么</summary>
#
# 在有数据的地方，色带左窄右宽，和噪声一样：没有人告诉过网络，是似然教会它的。在空缺里，色带只是把两边接了起来。那里没有一行数据进入过损失，
# 网络也就不必承认自己不知道。那里的均值是猜的，这次猜得不好：最多错 0.44{{single[1] | .2f}}，而网络报告的标准差平均只有 0.15{{single[2] | .2f}}。
# 有些地方，真实曲线跑到了色带外面，在数据的左边也是如此。换一组初始权重，会是另一个猜测，周围的色带同样自信。这个网络懂得噪声，却不知道自己不知道什么。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Several networks
#
# Train several networks on the same task, from different random weights and on different samples of the data. Where
# data pin the curve down they have to agree. Where there are none, each goes on as its weights happen to suggest:
# there they disagree, and that can be measured.
#
# The **ensemble** predicts an even mixture of its members' Gaussians. There are $B$ of them; member $b$ predicts the mean
# $\mu_b$ and the deviation $\sigma_b$, and $\bar\mu$ is the average of the means. By the law of total variance,
#
# $$\operatorname{Var} = \underbrace{\frac1B\sum_b \sigma_b^2}_{\text{aleatoric}}
#   + \underbrace{\frac1B\sum_b \big(\mu_b - \bar\mu\big)^2}_{\text{epistemic}} .$$
#
# The root of the second part is the members' **disagreement**.
#
# Several networks need not cost several times as much. Stack their weights along a first axis, and one batched matrix
# product computes a layer of all of them. The next cell computes three networks in a plain loop and compares.

# %% [markdown] tags=["lang-zh"] twin="8a304674"
# ## 几个网络
#
# 让几个网络学同一个任务，初始权重不同，各自的数据样本也不同。数据把曲线钉住的地方，它们只能一致；没有数据的地方，每个网络按自己的权重随意延伸。它们在那里意见不一，
# 而这是可以度量的。
#
# **模型集成**（ensemble）的预测，是各成员的高斯分布的等权混合。设有 $B$ 个成员，成员 $b$ 预测的均值为 $\mu_b$、标准差为 $\sigma_b$，
# $\bar\mu$ 是各均值的平均。由全方差公式，
#
# $$\operatorname{Var} = \underbrace{\frac1B\sum_b \sigma_b^2}_{\text{偶然}}
#   + \underbrace{\frac1B\sum_b \big(\mu_b - \bar\mu\big)^2}_{\text{认知}} .$$
#
# 第二部分的平方根，就是成员之间的**分歧**（disagreement）。
#
# 网络多了几个，计算量不必多几倍。把它们的权重沿第一轴叠起来，一次批量矩阵乘法就算完所有网络的一层。下一个单元格用普通循环计算三个网络，再作比较。

# %% tags=["nbval-check-output"]
three = MemberMLP(3, (1, 32, 32, 2), generator=torch_generator(0, "three"))
x = points.x[:5]


def one_by_one(member):
    layers = [(layer.weight[member], layer.bias[member, :, 0]) for layer in three.layers]
    hidden = x
    for weight, bias in layers[:-1]:
        hidden = torch.nn.functional.silu(torch.nn.functional.linear(hidden, weight, bias))
    return torch.nn.functional.linear(hidden, *layers[-1])


together = three(x.expand(3, -1, -1))
print(tuple(together.shape), tuple(three.layers[1].weight.shape))
print(torch.allclose(together, torch.stack([one_by_one(b) for b in range(3)]), atol=1e-5))

# %% [markdown] tags=["lang-en"]
# Three members, five rows, two outputs; the second layer holds three matrices of 32 by 32. Both ways agree. Ours is
# [`mbpo_teach/nets/networks.py`](../../mbpo_teach/nets/networks.py).
#
# ### Exercise 02-2: mean and variance of a mixture
#
# Given the members' means and variances, arrays of shape (member, row, output), return mean and variance of the even
# mixture, each of shape (row, output). Two members with means −1 and 1 and no variance have a mixture of mean 0 and
# variance 1.
#
# <details><summary>Hint</summary>
#
# Average over the first axis. The mean of the variances alone is not enough: what about two confident members that
# contradict each other?
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="52875e5d"
# 三个成员，五行，两个输出；第二层有三个 32 × 32 的矩阵。两种算法一致。课程的写法在 [`mbpo_teach/nets/networks.py`](../../mbpo_teach/nets/networks.py)。
#
# ### 练习 02-2：混合分布的均值与方差
#
# 给定各成员的均值和方差，形状为（成员，行，输出），返回等权混合的均值和方差，形状都是（行，输出）。两个成员的均值为 −1 和 1，方差都是零，那么混合的均值是 0，方差是 1。
#
# <details><summary>提示</summary>
#
# 沿第一轴取平均。只取方差的平均是不够的：如果两个成员都很自信，却互相矛盾呢？
#
# </details>

# %% mbpo={"exercise": "02-2", "role": "setup"}
import numpy as np

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "02-2", "role": "answer"}
def mixture(mean: np.ndarray, var: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of an even mixture of Gaussians, stacked along the first axis."""
    ### BEGIN SOLUTION
    return mean.mean(axis=0), var.mean(axis=0) + mean.var(axis=0)
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours. Ours is `mixture_moments` in
# [`mbpo_teach/nets/gaussian.py`](../../mbpo_teach/nets/gaussian.py).

# %% [markdown] tags=["lang-zh"] twin="da40d764"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。课程的写法是 [`mbpo_teach/nets/gaussian.py`](../../mbpo_teach/nets/gaussian.py) 中的 `mixture_moments`。

# %% mbpo={"exercise": "02-2", "role": "check"}
check("02-2", mixture)

# %% [markdown] tags=["lang-en"]
# ### Every member has its own data
#
# For each member we draw as many rows as there are, *with replacement*: a **bootstrap sample**. Some rows come twice or
# more, others never. (The name is the same as that of bootstrapping in chapter 01, the matter is not.) How large a share
# of 150 rows does a member see at least once?

# %% [markdown] tags=["lang-zh"] twin="46123144"
# ### 每个成员有自己的数据
#
# 我们为每个成员*有放回地*抽取与原数据同样多的行，这叫**自助样本**（bootstrap sample）。有些行抽到两次或更多，有些一次也没有。（英文里它和第 01 章的“自举”同名，却是两回事。）
# 150 行里，一个成员至少见到一次的占多大比例？

# %% tags=["nbval-check-output"] named="share"
print(f"{1 - (1 - 1 / 150) ** 150:.3f} {1 - math.exp(-1):.3f}")

# %% [markdown] tags=["lang-en"]
# 63 %{{share[0] | .0%}}, and for many rows $1 - 1/e$. So any one row is seen by both of two members in only
# 40 %{{share[0]**2 | .0%}} of cases ($0.63^2$): what a single odd point says, they do not all hear.
#
# That matters for small data. With 20 points, members that all train on the same rows disagree on these data less than
# half as much as with samples of their own. With 500 points, on the data and in the gap, other initial weights alone make
# them differ about as much. (A test of this course fits both.)
#
# Next, ensembles of seven for four sizes of data and three strengths of noise: twelve ensembles, 84 networks, one
# stack. Each has log-variance limits, which the next section explains. Larger data sets contain the smaller ones, and
# all have the same noise but for its size. It takes a few seconds; the lab below then moves through these fits.

# %% [markdown] tags=["lang-zh"] twin="77465481"
# 63%{{share[0] | .0%}}；行数很多时趋于 $1 - 1/e$。所以，某一行同时被两个成员见到的机会只有 40%{{share[0]**2 | .0%}}（$0.63^2$）：一个离群的点说了什么，并不是每个成员都听得见。
#
# 数据少的时候，这一点很重要。只有 20 个点时，如果成员都用同样的行训练，它们在有数据处的分歧还不到各用各的自助样本时的一半。有 500 个点时，无论在有数据处还是在空缺里，
# 单凭初始权重不同，分歧就差不多一样大。（课程的一个测试把两种做法都算了一遍。）
#
# 接下来，对四种数据量、三种噪声强度各训练七个成员：十二个模型集成，84 个网络，叠成一摞。它们都带有对数方差的界限，下一节再解释。大的数据集包含小的，噪声除了大小之外完全相同。
# 这要花几秒钟；下面的交互实验就在这些算好的结果之间移动。

# %%
data = {}
for noise in (0.1, 0.3, 0.5):
    whole = curves.sample_curve(500, noise=noise, generator=torch_generator(0, "points"))
    for count in (20, 50, 150, 500):
        data[count, noise] = curves.Points(whole.x[:count], whole.y[:count])
fits = curves.fit_curves(
    list(data.values()), grid, members=7, steps=800, generator=torch_generator(0, "curves")
)
fits = dict(zip(data, fits, strict=True))

# %% [markdown] tags=["lang-en"]
# In the lab, the left panel has the data, the mean, and two bands: the inner one counts noise only, the outer one
# noise and disagreement. The right panel shows the two deviations apart, and the true noise, dotted.
#
# **Predict.** What does each slider move: the aleatoric or the epistemic deviation, on the data or in the gap? With
# *one* member? And with 500 points instead of 20, will the gap be known?

# %% [markdown] tags=["lang-zh"] twin="060f180b"
# 交互实验的左图是数据、均值和两条色带：内带只算噪声，外带是噪声加分歧。右图把两种标准差分开画，点线是真实噪声。
#
# **先预测。** 每个滑块会改变什么：偶然的还是认知的标准差，在有数据的地方还是在空缺里？如果只有*一个*成员呢？把 20 个点换成 500 个，空缺里的曲线就知道了吗？

# %%
from mbpo_teach.widgets import ensemble as labs

labs.spread_lab(data, fits, grid)

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# - *Members.* With one member the epistemic deviation is zero everywhere: a single opinion cannot disagree. Let the
#   others join one by one and watch the number for the gap. With few members it is unsteady: one newcomer with
#   another guess can change it several times over. Few members may agree by chance.
# - *Where.* The epistemic deviation rises in the gap and beyond the data, and is small on them. The aleatoric one
#   roughly follows the dotted line where there are data. In the gap it interpolates, and means as little as before.
# - *Data.* From 20 points to 500 the disagreement *on the data* falls. In the gap it falls too, but it stays: the new
#   points lie elsewhere. What is missing is not data but data from there.
# - *Noise.* With 500 points the aleatoric deviation on the right follows the noise, 0.1, 0.3 or 0.5. On the left, where
#   the noise is a tenth of that, it stays near 0.05 even where the truth is 0.01: what the networks have not fitted counts
#   as noise, too.
# - *Look twice at 20 points*, with noise 0.3. On the right the aleatoric deviation sinks far *below* the dotted line.
#   Seven flexible networks with few points pass near each of them and take noise for curve. Small data make a model
#   too sure of itself.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="333ca77a"
# <details><summary>看到了什么</summary>
#
# - *成员数。* 只有一个成员时，认知标准差处处为零：一个人没法和自己意见不一。让其余成员一个一个加入，看看空缺里的那个数：成员少时它很不稳，新来一个猜法不同的，就能让它变成好几倍。成员少，可能只是碰巧一致。
# - *位置。* 认知标准差在空缺里和数据之外升高，在数据上很小。偶然标准差在有数据的地方大致跟着点线走，在空缺里只是内插，和先前一样没有多少意义。
# - *数据量。* 从 20 个点到 500 个点，*有数据处*的分歧下降。空缺里也有所下降，但不会消失：新的点都在别处。缺的不是数据，而是那里的数据。
# - *噪声。* 有 500 个点时，不论噪声是 0.1、0.3 还是 0.5，右侧的偶然标准差都跟得上。左侧的噪声只有右侧的十分之一，真实值只有 0.01 时，它仍停在 0.05 左右：网络没有拟合好的部分，也被算作了噪声。
# - *再看一眼 20 个点*、噪声 0.3 的情形。右侧的偶然标准差远*低于*点线。网络灵活、点又少，曲线就从每个点旁边穿过，把噪声当成了曲线。数据太少，模型会过于自信。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Why log-variance has limits
#
# The authors' code ([jannerm/mbpo](https://github.com/jannerm/mbpo), `mbpo/models/bnn.py`) keeps each log-variance between
# two limits, at first −10 and 0.5, and trains the limits, too. What for? There are two reasons.
#
# **Beyond the data** a network's output goes on in some direction, and the variance is its *exponential*. The
# likelihood never looked there. **And where the world is deterministic**, the likelihood has no minimum:
# $\tfrac12\log\sigma^2$ goes to $-\infty$ with the error. Pendulum is deterministic.
#
# Chua et al. [2, appendix A.1] therefore bend the output into an interval, and train the ends of the interval. A
# small cost, $0.01\,(\ell_{\max} - \ell_{\min})$, draws them together until the likelihood resists. Then the interval
# is about the range of noise in the data, and no place can claim much more or less than was seen.
#
# Eight networks each: without limits, with fixed ones, with trained ones. All start from the same weights. We look
# far beyond the data, from −8 to 8.
#
# **Predict.** How far apart are the smallest and the largest predicted deviation in each case?

# %% [markdown] tags=["lang-zh"] twin="7009a266"
# ## 对数方差为什么要有界限
#
# 论文作者的代码（[jannerm/mbpo](https://github.com/jannerm/mbpo)，`mbpo/models/bnn.py`）把每个对数方差限制在两个界限之间，起初是 −10 和 0.5，
# 而且连界限也参加训练。这是为什么？理由有两个。
#
# **在数据之外**，网络的输出会沿某个方向一直走下去，而方差是它的*指数*；似然从没有看过那里。**在确定性的世界里**，似然没有最小值：误差趋于零时，
# $\tfrac12\log\sigma^2$ 趋于 $-\infty$。后面要用的摆（Pendulum-v1）就是确定性的。
#
# 因此 Chua 等人 [2，附录 A.1] 把输出弯进一个区间，并且让区间的两端也参加训练。损失里加上很小的一项 $0.01\,(\ell_{\max} - \ell_{\min})$，
# 把两端拉近，直到似然不再退让。这样，区间大致就是数据中噪声的范围，没有哪个地方能报出比见过的大得多或小得多的值。
#
# 下面各训练八个网络：没有界限、界限固定、界限随训练移动，初始权重都相同。我们看到数据之外很远，从 −8 到 8。
#
# **先预测。** 三种情形下，最小和最大的预测标准差各相差多少倍？

# %% named="limits"
from mbpo_teach.nets.gaussian import soft_clamp

far = torch.linspace(-8, 8, 321)


def far_out(limits, trained=False):
    eight = MemberMLP(8, (1, 32, 32, 2), generator=torch_generator(0, "eight"))
    bend = (lambda raw: soft_clamp(raw, *limits)) if limits else (lambda raw: raw)
    train(points, eight, bend, limits if trained else ())
    return look(eight, bend, far)[1]


fixed = [torch.full((8, 1, 1), end) for end in (-10.0, 0.5)]
moved = [torch.nn.Parameter(end.clone()) for end in fixed]
predicted = {"none": far_out(()), "fixed": far_out(fixed), "trained": far_out(moved, trained=True)}
curve.limits_picture(far, predicted, noise=0.3)

# %% [markdown] tags=["lang-en"]
# One line for each network, its predicted deviation on a logarithmic axis; dots are the true noise where there are data,
# and grey again means no data.
#
# <details><summary>What was seen</summary>
#
# On the data all three are near the dots. Beyond them, without limits, the networks contradict each other by orders of
# magnitude, and the boldest lines leave the picture. Fixed limits stop them at $e^{0.25} = 1.28$, and on the right most
# go nearly all the way there, to four times the largest noise. With trained limits every line stays between
# 0.028{{limits[6] | .3f}} and 0.45{{limits[7] | .2f}}, near what the data showed, 0.03 to 0.30. That does not make the
# model right out there; it keeps its claims about noise sane. It takes the members' disagreement to show ignorance.
#
# </details>
#
# A mistake is easily made here: limits that stand in the loss and are constants all the same, so that the cost does
# nothing. In [Xingyu-Lin/mbpo_pytorch](https://github.com/Xingyu-Lin/mbpo_pytorch), `model.py`, they have
# `requires_grad=False`. Compare ours before and after training.

# %% [markdown] tags=["lang-zh"] twin="655b9c6a"
# 每条线是一个网络预测的标准差，纵轴是对数刻度；圆点是有数据处的真实噪声，灰色的地方同样没有数据。
#
# <details><summary>看到了什么</summary>
#
# 在数据上，三者都在圆点附近。到了数据之外，没有界限时，各个网络说法不一，能相差好几个数量级，最大胆的线跑出了图外。固定的界限把它们拦在
# $e^{0.25} = 1.28$，在右边，大多数几乎一直走到那里，是最大噪声的四倍。界限随训练移动时，每条线都留在 0.028{{limits[6] | .3f}} 与 0.45{{limits[7] | .2f}} 之间，
# 离数据所显示的 0.03 到 0.30 不远。这并不说明模型在那里是对的，只是让它关于噪声的说法不至于离谱；显示无知，要靠成员间的分歧。
#
# </details>
#
# 这里容易犯一个错误：界限写进了损失，却是常数，于是那一项什么也没做。[Xingyu-Lin/mbpo_pytorch](https://github.com/Xingyu-Lin/mbpo_pytorch) 的
# `model.py` 里，界限就设了 `requires_grad=False`。看看我们的界限在训练前后的样子。

# %% tags=["nbval-check-output"]
lowest, highest = moved
print(bool((lowest > -9.5).all()), bool((highest < 0.0).all()))
print(bool((predicted["trained"] < 1.0).all()), bool((predicted["trained"] > 0.01).all()))

# %% [markdown] tags=["lang-en"]
# Before training the limits were −10 and 0.5. After it, in all eight networks, the lower is above −9.5 and the upper below
# 0 (first line), and every predicted deviation lies between 0.01 and 1 (second line).
#
# ### Why soft
#
# A hard clamp, `min(max(raw, low), high)`, is flat outside. Where a network's output has left the
# interval, its variance gets no gradient any more. The **soft clamp** is built from the softplus $\operatorname{sp}(z) = \log(1 +
# e^z)$, a smooth $\max(z, 0)$:
#
# $$\ell' = \ell_{\max} - \operatorname{sp}(\ell_{\max} - \ell), \qquad
#   \operatorname{clamp}(\ell) = \ell_{\min} + \operatorname{sp}(\ell' - \ell_{\min}).$$

# %% [markdown] tags=["lang-zh"] twin="bb811ca5"
# 训练之前，界限是 −10 和 0.5。训练之后，八个网络的下限都高于 −9.5，上限都低于 0（第一行）；预测的标准差全在 0.01 与 1 之间（第二行）。
#
# ### 为什么要软
#
# 硬限幅（hard clamp）`min(max(raw, low), high)` 在区间之外是平的。网络的输出在哪里离开了区间，那里的方差就再也得不到梯度。**软限幅**（soft clamp）由 softplus 函数
# $\operatorname{sp}(z) = \log(1 + e^z)$ 搭成，它是光滑版的 $\max(z, 0)$：
#
# $$\ell' = \ell_{\max} - \operatorname{sp}(\ell_{\max} - \ell), \qquad
#   \operatorname{clamp}(\ell) = \ell_{\min} + \operatorname{sp}(\ell' - \ell_{\min}).$$

# %% tags=["nbval-check-output"] named="clamps"
ends = torch.tensor([-10.0]), torch.tensor([0.5])
for name, clamp in {"hard": torch.clamp, "soft": soft_clamp}.items():
    raw = torch.tensor([[-11.0], [-5.0], [0.0], [1.5]], requires_grad=True)
    bent = clamp(raw, *ends)
    bent.sum().backward()
    print(name, *(f"{value:.3f}" for value in bent[:, 0]))
    print("slope", *(f"{slope:.3f}" for slope in raw.grad[:, 0]))

# %% [markdown] tags=["lang-en"]
# Raw outputs −11, −5, 0 and 1.5, what each clamp makes of them, and the slopes. Outside, the hard clamp's slope is
# exactly zero; the soft clamp's is not, but it is a little off inside: 0 becomes −0.474{{clamps[10] | .3f}}.
#
# Now a small story. A world is noisy, with deviation 3 in the model's units, more than the upper limit allows. Then
# it becomes quiet, with deviation 0.1, and training goes on from the same weights, as MBPO's refits do. (A change of
# the targets' scale at a refit does the same.) Eight networks live through the noisy time; then the same eight go on
# once behind a hard clamp and once behind a soft one. The limits are fixed here, so that only the clamp differs.
#
# **Predict.** How many of each will learn the new noise within 1000 gradient steps?

# %% [markdown] tags=["lang-zh"] twin="587fd316"
# 原始输出是 −11、−5、0 和 1.5，每两行是一种限幅的结果和斜率。在区间之外，硬限幅的斜率严格为零；软限幅不为零，
# 但区间之内也稍有出入：0 变成 −0.474{{clamps[10] | .3f}}。
#
# 再看一个小故事。世界先是噪声很大，在模型的单位里标准差为 3，超过了上限所允许的。后来它安静下来，标准差为 0.1，训练从原有权重接着进行，正如 MBPO 反复重训模型那样。
# （重训时目标的缩放变了，效果也一样。）八个网络先经历嘈杂的时期；然后同样的八个网络，一次接着用硬限幅训练，
# 一次接着用软限幅训练。界限在这里是固定的，好让两边只差在限幅上。
#
# **先预测。** 1000 个梯度步之内，各有几个网络能学到新的噪声？

# %% named="told"
x = torch.linspace(-1, 1, 100)[:, None]
loud, quiet = torch.randn(2, 100, 1, generator=torch_generator(0, "story"))


def story(clamp):
    eight = MemberMLP(8, (1, 32, 32, 2), generator=torch_generator(0, "eight"))
    train(curves.Points(x, 3.0 * loud), eight, lambda raw: soft_clamp(raw, *ends), steps=300)
    return train(curves.Points(x, 0.1 * quiet), eight, lambda raw: clamp(raw, *ends))


curve.clamp_picture(story(torch.clamp), story(soft_clamp), truth=0.1)

# %% [markdown] tags=["lang-en"]
# Left: the two clamps. Right: the deviation that each network predicts, step by step, after the noise has fallen; the
# dotted line is the truth.
#
# <details><summary>What was seen</summary>
#
# Behind the soft clamp all 8{{told[2] | .0f}} networks find the new noise. Behind the hard one they stay at $e^{0.25} =
# 1.28$, the upper limit, and go on calling a quiet world noisy: one flat line, eight times.
#
# Is a network behind a hard clamp always lost? No. Its mean is still being trained and shares its hidden layers with
# the variance, and where the raw output lies only just outside, that may carry it back in. But that is luck; no
# gradient aims at it.
#
# </details>
#
# ### Exercise 02-3: the soft clamp
#
# Write it for an array and two limits. For raw 0 and limits −10 and 0.5 it is −0.4740.
#
# <details><summary>Hint</summary>
#
# `np.logaddexp(0, z)` is the softplus, without overflow. First bend at the upper limit, then the result at the lower.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="8d4cd3a7"
# 左图是两种限幅。右图是噪声变小之后，每个网络每一步预测的标准差；点线是真实值。
#
# <details><summary>看到了什么</summary>
#
# 用软限幅的 8{{told[2] | .0f}} 个网络都找到了新的噪声。用硬限幅的停在上限 $e^{0.25} = 1.28$，一直把安静的世界说成嘈杂的：八个网络，同一条平线。
#
# 用了硬限幅，网络就一定没救了吗？不一定。均值还在训练，它与方差共用隐藏层；如果原始输出刚刚越界，就可能被顺带拉回来。不过那是运气，没有哪个梯度以此为目标。
#
# </details>
#
# ### 练习 02-3：软限幅
#
# 对一个数组和两个界限写出软限幅。原始值 0、界限 −10 和 0.5 时，结果应为 −0.4740。
#
# <details><summary>提示</summary>
#
# `np.logaddexp(0, z)` 就是 softplus，而且不会溢出。先在上限处弯，再把结果在下限处弯。
#
# </details>

# %% mbpo={"exercise": "02-3", "role": "setup"}
import numpy as np

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "02-3", "role": "answer"}
def soft_limits(raw: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return `raw` bent smoothly into the interval from `low` to `high`, in the same shape."""
    ### BEGIN SOLUTION
    below_high = high - np.logaddexp(0, high - raw)
    return low + np.logaddexp(0, below_high - low)
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours. Ours is `soft_clamp` in
# [`mbpo_teach/nets/gaussian.py`](../../mbpo_teach/nets/gaussian.py).

# %% [markdown] tags=["lang-zh"] twin="7d9ea7e2"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。课程的写法是 [`mbpo_teach/nets/gaussian.py`](../../mbpo_teach/nets/gaussian.py) 中的 `soft_clamp`。

# %% mbpo={"exercise": "02-3", "role": "check"}
check("02-3", soft_limits)

# %% [markdown] tags=["lang-en"]
# ## A real world: Pendulum
#
# Now the same on a simulator. Pendulum-v1 shows the cosine and sine of its angle (0 is upright) and its angular
# velocity; the action is a torque, here as a share of the largest, between −1 and 1. We gather 2000 steps with random
# actions, and 2000 fresh ones that no model will train on. Each row is a `Transition`.

# %% [markdown] tags=["lang-zh"] twin="8ff470a2"
# ## 真实的环境：摆
#
# 现在在仿真器上做同样的事。摆（Pendulum-v1）给出角度的余弦和正弦（0 表示直立）以及角速度；动作是力矩，这里写成占最大力矩的比例，介于 −1 和 1 之间。我们用随机动作收集
# 2000 步，另外再收集 2000 步，不给任何模型训练。每一行是一个转移（`Transition`）。

# %% tags=["nbval-check-output"]
from mbpo_teach.world import envs

pendulum = envs.make("Pendulum-v1")
gathered = envs.collect(pendulum, steps=2000, rng=generator(0, "gather"))
fresh = envs.collect(pendulum, steps=2000, rng=generator(0, "fresh"))
for name, column in gathered._asdict().items():
    print(name, tuple(column.shape))
print(bool(gathered.terminated.any()))

# %% [markdown] tags=["lang-en"]
# Nothing terminates: a Pendulum episode only ever runs out of time, and running out of time is not stored, because
# the world goes on.
#
# The recipe is the authors' [1, appendix C; 2], and the numbers are the defaults of their code except where we say so.
#
# - **Targets.** The network predicts the *change* of the observation, and the reward. A change is small and easy;
#   "stay where you are" is already a good first guess. Inputs are z-scored: minus their mean, over their deviation. That
#   changes are divided by their deviation is our addition: the authors' code scales the inputs only. The end of this
#   chapter shows why.
# - **Bootstrap.** Seven members, each with its own sample of the training rows.
# - **Holdout.** A fifth of the rows never trains. After each **epoch**, that is, one pass over the training rows in batches
#   of 256, each member is judged on the held-out ones by the mean squared error of its mean.
# - **Early stopping.** Training ends when for six epochs no member has improved by more than 1 %. With 200 rows, 160 of
#   which train, an epoch is a single batch, so a single gradient step, and six epochs are six steps. So we count patience
#   in gradient steps, too: 200 of them.
# - **Best weights per member.** Members are at their best at different times. Each keeps its own best weights.
# - **Elites.** The five members with the lowest holdout error. Each imagined transition will be drawn from a random elite:
#   disagreement then turns into spread among the imagined states, and a member that came out badly has no say.
#
# Ours differs in size, two hidden layers of 64 instead of four of 200, and in a cap of 1000 gradient steps, so that
# the chapter runs in seconds. The likelihood is added up over the outputs, where theirs is averaged. The head of
# [`mbpo_teach/model/fit.py`](../../mbpo_teach/model/fit.py) lists every such departure.

# %% [markdown] tags=["lang-zh"] twin="1c7e9f38"
# 没有一步是终止（termination）：摆的回合只会到时间为止，而到时间并不存下来，因为世界并没有结束。
#
# 做法来自论文作者 [1，附录 C；2]，除特别说明外，数字都是其代码的默认值。
#
# - **目标。** 网络预测的是观测的*变化量*，以及奖励。变化量小，也容易学；“待在原地”已经是不错的初始猜测。输入减均值、除以标准差。变化量除以标准差则是我们加的：作者的代码只缩放输入。本章末尾会说明为什么要这样做。
# - **自助样本。** 七个成员，各有自己的训练样本。
# - **留出数据**（holdout）。五分之一的数据从不参加训练。把训练数据分成每批 256 行，从头到尾用一遍，称为一**轮**（epoch）。每一轮之后，用留出数据评判每个成员，指标是预测均值的均方误差。
# - **提前停止**（early stopping）。连续六轮没有任何成员改进超过 1%，训练就结束。如果只有 200 行，其中 160 行参加训练，一轮就只有一批，也就是一个梯度步，六轮就是六步。所以我们把耐心也按梯度步数来计：200 步。
# - **每个成员保留最好的权重。** 各成员达到最好的时刻不同，各自保留自己最好的权重。
# - **精英成员**（elite）。留出误差最低的五个成员。以后每一个想象的转移都由随机抽取的一个精英成员给出：分歧于是变成想象状态的散布，而没有练好的成员没有发言权。
#
# 我们的网络小一些，是两个 64 单元的隐藏层，而不是四个 200 单元的；并且最多训练 1000 个梯度步，好让本章几秒钟就能跑完。似然按输出相加，作者的则取平均。
# 所有这类不同之处，都列在 [`mbpo_teach/model/fit.py`](../../mbpo_teach/model/fit.py) 的开头。

# %% named="fit"
from mbpo_teach.model.dynamics import Ensemble, predict
from mbpo_teach.figures import ensemble as figures
from mbpo_teach.model.fit import FitConfig, fit_ensemble

config = FitConfig(weight_decay=(2.5e-5, 5e-5, 1e-4), max_steps=1000)


def fitted(data, name):
    sizes = data.obs.shape[1], data.act.shape[1]
    model = Ensemble(*sizes, hidden=(64, 64), generator=torch_generator(0, name, "weights"))
    report = fit_ensemble(model, data, config, generator=torch_generator(0, name, "fit"))
    return model, report


model, report = fitted(gathered, "pendulum")
figures.fit_picture(report)

# %% [markdown] tags=["lang-en"]
# Every member's holdout error after each epoch, on a logarithmic axis; the dots mark the weights that were kept. Solid
# lines became elites.
#
# <details><summary>What was seen</summary>
#
# The error falls from 0.98{{fit[3] | .2f}} to 0.0025{{fit[4] | .4f}} for the best member and 0.0044{{fit[5] | .4f}} for
# the worst: same recipe, other weights, other samples. The ranking of the elites is that of the dots. Nothing overfits
# here: the simulator is exact, and there is no noise to learn by heart.
#
# </details>
#
# So let us make it hard: the first 200 rows only, with noise added to what was observed.
#
# **Predict.** Will the holdout error keep falling? Where on its curve will each member's dot be?

# %% [markdown] tags=["lang-zh"] twin="83aa785c"
# 图中是每个成员每一轮之后的留出误差，纵轴是对数刻度；圆点是保留下来的权重，实线的成员成为精英成员。
#
# <details><summary>看到了什么</summary>
#
# 误差从 0.98{{fit[3] | .2f}} 降了下来，最好的成员降到 0.0025{{fit[4] | .4f}}，最差的降到 0.0044{{fit[5] | .4f}}：做法相同，权重不同，样本不同。
# 精英成员的排名就是圆点的高低。这里看不到过拟合：仿真器是精确的，没有噪声可以死记硬背。
#
# </details>
#
# 那就让它难一些：只用前 200 行，并且给观测到的结果加上噪声。
#
# **先预测。** 留出误差会一直下降吗？每个成员的圆点会落在曲线的什么位置？

# %% named="few"
from mbpo_teach.model.variation import with_noise
from mbpo_teach.world.transitions import rows

loud = torch.tensor([0.1, 0.1, 0.5, 0.5])
few = with_noise(rows(gathered, slice(0, 200)), loud, generator=torch_generator(0, "few"))
few_report = fitted(few, "few")[1]
figures.fit_picture(few_report)

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# The holdout error falls, stops, and rises again, while the members go on learning their own rows, noise included. The
# dots lie at the bottom, long before the end, and not all at the same epoch: each member keeps its own best weights.
# Training stopped by itself after 379{{few[2] | .0f}} steps, before the cap, when no bottom had been lowered for long
# enough. Without a holdout nobody would have noticed.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="51633894"
# <details><summary>看到了什么</summary>
#
# 留出误差先降，后停，再回升，而成员们还在继续学自己的那些行，连噪声一起学。圆点落在谷底，离结束还早，而且不在同一轮：每个成员保留自己最好的权重。
# 谷底长时间没有再降低，训练在 379{{few[2] | .0f}} 步之后就自己停了，没有用到上限。要是没有留出数据，谁也不会发现。
#
# </details>

# %% tags=["nbval-check-output"]
kept = report.curve.min(dim=0).values
print(bool((torch.tensor(report.holdout) == kept).all()))
print(len(report.elites), report.elites == tuple(kept.argsort()[:5].tolist()))
with torch.no_grad():
    print(tuple(predict(model, fresh.obs, fresh.act, members=report.elites).mean.shape))
print(bool((model.high_log_var < 0.5).all()), bool((model.low_log_var != -10).all()))
print(few_report.steps < config.max_steps)

# %% [markdown] tags=["lang-en"]
# The kept error is the lowest on each curve; the elites are the five best of these, best first. A prediction has one
# Gaussian for each elite, row and output: three of the next observation, one of the reward. The limits have moved
# here too, only a little in 1000 small steps. The last line: the fit with few rows stopped before the cap.
#
# Now read ours: the loss, and how the best weights are kept for those members, and only those, that improved.

# %% [markdown] tags=["lang-zh"] twin="cc028550"
# 保留的误差是每条曲线的最低点；精英成员就是其中最好的五个，最好的在前。预测对每个精英成员、每一行、每个输出给出一个高斯分布：三个是下一个观测，一个是奖励。界限在这里也移动了，
# 只是 1000 个小步走不了多远。最后一行：行数少的那次拟合没有用到上限就停了。
#
# 现在读一读我们的写法：损失，以及怎样只为有进步的成员保留最好的权重。

# %%
import inspect
from textwrap import dedent

from mbpo_teach.model.early_stopping import Best
from mbpo_teach.model.fit import fit_loss

print(inspect.getsource(fit_loss))
print(dedent(inspect.getsource(Best.keep)))

# %% [markdown] tags=["lang-en"]
# ## A map of ignorance
#
# For each angle and velocity, and one torque, ask all seven members for the next observation. Left, their
# disagreement. Right, what nobody can compute while learning: the true error of their average, measured against the
# simulator, which can be put into every state of the map. Both are in deviations of one step's change, so 1 means as
# far off as a typical step moves; the colours are logarithmic. White dots are the data. A second model, fitted to the first 500 rows, waits behind
# the slider.
#
# **Predict.** Which part of the map has no data, when all actions are random? Does the disagreement know? Is it as
# large as the error?

# %% [markdown] tags=["lang-zh"] twin="08140d4d"
# ## 无知的地图
#
# 对每一个角度和角速度，在给定力矩下，让全部七个成员预测下一个观测。左图是它们的分歧。右图是学习时谁也算不出来的东西：平均预测的真实误差，对照仿真器测得，因为仿真器可以放到图上的任意一个状态。
# 两者都以单步变化量的标准差为单位，所以 1 表示误差相当于平常一步的变化量；颜色是对数刻度。白点是数据。另有一个只用前 500 行训练的模型，藏在滑块后面。
#
# **先预测。** 动作全是随机的，图上哪一部分没有数据？分歧知道这一点吗？它和误差一样大吗？

# %% named="chart"
first = rows(gathered, slice(0, 500))
fits_of_pendulum = {500: (fitted(first, "pendulum")[0], first), 2000: (model, gathered)}
labs.map_lab(pendulum, fits_of_pendulum)

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# Random torques never make a pendulum fast *and* upright: the top and the bottom of the middle are empty. There the
# members disagree: with 2000 rows by 0.21{{chart[2] | .2f}} at 6.8 rad/s, against 0.01{{chart[4] | .2f}} at the same
# speed with the pole hanging, where data are many. Over the whole map disagreement and error put the states in much the
# same order, as the rank correlation of 0.75{{chart[5] | .2f}} says. With 2000 rows, an agent that avoids the brightest
# quarter of the left map avoids about four fifths of the brightest quarter of the right one; with 500 rows it is one half.
#
# But compare the colours. With 2000 rows the error is larger than the disagreement nearly everywhere in the empty parts,
# typically about three times as large. And that is the lenient comparison: a single member's squared
# error is, on average, that of the members' mean *plus* the squared disagreement. All members are networks of one kind,
# trained on nearly the same data, and they go wrong in similar ways. Look also at the bright edge at the top and bottom
# of the right map: the simulator cuts every speed at 8 rad/s. The members have hardly seen that kink; they smooth it
# over, all in the same way, and agree. Disagreement tells *where* a model may be guessing. It does not tell *how far* off
# it is, and an error that all share it does not see.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="ff123b27"
# <details><summary>看到了什么</summary>
#
# 随机的力矩从不会让摆*既快又直立*：图中部的上端和下端是空的。成员在那里意见不一。有 2000 行数据时，角速度为 6.8 rad/s，直立处的分歧是 0.21{{chart[3] | .2f}}；
# 速度相同而摆下垂的地方数据很多，分歧只有 0.01{{chart[4] | .2f}}。在整张图上，分歧和误差给各个状态排出的次序大致相同，秩相关系数（rank correlation）0.75{{chart[5] | .2f}} 说的就是这个。
# 有 2000 行数据时，躲开左图最亮的四分之一，就躲开了右图最亮的四分之一中的八成左右；只有 500 行时，是一半。
#
# 可是比一比颜色：有 2000 行数据时，在空的地方，误差几乎处处大于分歧，一般是它的三倍左右。这还是比较宽松的比法：单个成员的平方误差，平均等于平均预测的平方误差*再加上*分歧的平方。
# 所有成员都是同一类网络，用的数据也几乎相同，错起来也就相似。再看右图上下两端的亮边：仿真器把速度截在 8 rad/s。
# 这个拐点成员们几乎没见过，于是都用同样的方式把它抹平了，彼此意见一致。分歧说得出模型可能*在哪里*猜，却说不出它*错多少*；大家共有的错误，它是看不见的。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Is 90 % ninety per cent?
#
# On the data, where the members agree, do the predicted variances mean anything? A Gaussian lies within
# $1.645\,\sigma$ of its mean in 90 % of cases. So count: how many held-out rows lie within $\mu \pm 1.645\,\sigma$,
# with the mean and deviation of the elites' mixture? A model is **calibrated** if the share is the level, for every
# level.
#
# This question needs a world with noise. Pendulum has none: its true spread is zero, and whatever deviation the model
# reports is its own misfit. So we add Gaussian noise of *known* deviation to every next observation and reward: 0.02
# for cosine and sine, 0.1 for velocity and reward.

# %% [markdown] tags=["lang-zh"] twin="00ee8875"
# ## 90% 真的是百分之九十吗？
#
# 在数据上，成员意见一致，那么它们预测的方差可信吗？高斯变量有 90% 落在均值两侧 $1.645\,\sigma$ 之内。那就数一数：取精英成员混合分布的均值和标准差，留出的数据有多少落在
# $\mu \pm 1.645\,\sigma$ 之内？如果对每个水平，比例都等于水平，模型就是**校准**的（calibrated）。
#
# 这个问题需要一个有噪声的世界。摆没有噪声：真实的散布为零，模型报告的标准差不过是它自己拟合得不够好。所以我们给每个下一观测和奖励加上*已知*标准差的高斯噪声：
# 余弦和正弦 0.02，角速度和奖励 0.1。

# %%
truth = torch.tensor([0.02, 0.02, 0.1, 0.1])
noisy = with_noise(gathered, truth, generator=torch_generator(0, "noise"))
held_out = with_noise(fresh, truth, generator=torch_generator(0, "fresh noise"))
noisy_model, noisy_report = fitted(noisy, "noisy")

# %% [markdown] tags=["lang-en"]
# `held_out` has 2000 rows from other episodes, with other noise. The mixture's moments, and the **coverage** at 90 %, the
# share of rows inside, by hand:

# %% [markdown] tags=["lang-zh"] twin="4130e107"
# `held_out` 是来自其他回合的 2000 行，噪声也是另外的。混合分布的矩，以及 90% 水平的**覆盖率**（coverage，即落在区间内的比例），手工计算如下：

# %% named="hand"
from mbpo_teach.model.calibration import coverage
from mbpo_teach.nets.gaussian import mixture_moments


def judge(model, elites, rows):
    with torch.no_grad():
        prediction = predict(model, rows.obs, rows.act, members=elites)
    mean, var = mixture_moments(*prediction)
    return mean, var.sqrt(), torch.cat([rows.next_obs, rows.reward[:, None]], dim=1)


mean, deviation, happened = judge(noisy_model, noisy_report.elites, held_out)
by_hand = ((happened - mean).abs() <= 1.645 * deviation).float().mean(dim=0)
print(*(f"{share:.3f}" for share in by_hand))
print(*(f"{ratio:.2f}" for ratio in deviation.median(dim=0).values / truth))

# %% tags=["nbval-check-output"]
ours = coverage(mean, deviation, happened, [0.9])[0]
print(bool(((ours - by_hand).abs() < 0.002).all()))
print(bool(((ours > 0.80) & (ours < 0.97)).all()))

# %% [markdown] tags=["lang-en"]
# The first line is the coverage of the cosine, the sine, the velocity and the reward, from 89 %{{min(hand[:4]) | .0%}} to
# 92 %{{max(hand[:4]) | .0%}}. The second is the predicted deviation, the median over the rows, divided by the true one. The first three are found to within
# 4 %{{max(abs(hand[4]-1), abs(hand[5]-1), abs(hand[6]-1)) | .0%}}, although nobody gave them. The reward's is
# 1.8{{hand[7] | .1f}} times too large: compared with the reward's range its noise is small, and the network's misfit of
# the reward counts as noise, too.
#
# The lab multiplies all deviations by a factor.
#
# **Predict.** What does the curve of a model that is too sure of itself look like, and that of one too timid?

# %% [markdown] tags=["lang-zh"] twin="85fa4f9f"
# 第一行是余弦、正弦、角速度和奖励的覆盖率，从 89%{{min(hand[:4]) | .0%}} 到 92%{{max(hand[:4]) | .0%}}。第二行是预测标准差（对各行取中位数）与真实标准差之比。前三个的误差不超过
# 4%{{max(abs(hand[4]-1), abs(hand[5]-1), abs(hand[6]-1)) | .0%}}，尽管没有人告诉过网络。奖励的偏大，是真实值的 1.8{{hand[7] | .1f}} 倍：与奖励的变化范围相比，它的噪声很小，
# 而网络没有拟合好的部分，也被算作了噪声。
#
# 下面的交互实验把所有标准差乘以一个系数。
#
# **先预测。** 过于自信的模型，曲线是什么样子？过于保守的呢？

# %%
labs.calibration_lab(mean, deviation, happened)

# %% [markdown] tags=["lang-en"]
# Horizontal is the level that an interval claims, vertical the share of held-out rows that it holds.
#
# <details><summary>What was seen</summary>
#
# At factor 1 three of the curves lie close to the diagonal; the reward's lies on it or somewhat above. Halve the
# deviations, and every curve sags below: intervals that claim 90 % hold about 60. Double them, and all curves bulge
# above: at 90 % they hold more than 99. The intervals of a timid model hold more than they claim: they are wider than
# they need be.
#
# </details>
#
# And the plain Pendulum, without noise?

# %% [markdown] tags=["lang-zh"] twin="033046c0"
# 横轴是区间声称的水平，纵轴是落在区间内的留出数据所占的比例。
#
# <details><summary>看到了什么</summary>
#
# 系数为 1 时，三条曲线紧贴对角线，奖励那条在线上或略高。标准差减半，每条曲线都塌到下方：自称 90% 的区间只装下 60% 左右。标准差加倍，
# 每条曲线都鼓到上方，90% 的区间装下了 99% 以上。保守的模型，区间里装的比它声称的多：区间不必这样宽。
#
# </details>
#
# 那么没有噪声的摆呢？

# %%
plain = judge(model, report.elites, fresh)
for shares in coverage(*plain, [0.5, 0.9]):
    print(*(f"{share:.3f}" for share in shares))

# %% [markdown] tags=["lang-en"]
# Two lines, the coverage of the 50 % and of the 90 % intervals. Most are well above their level, above all at 50 %.
# The errors of a smooth misfit are not Gaussian: tiny almost everywhere, larger in few places, and for the sake of
# those the likelihood gives most rows a larger variance than they need. So do not read a model's predicted variance on a deterministic
# simulator as the noise of that world. It is the size of its mistakes.

# %% [markdown] tags=["lang-zh"] twin="c61a207e"
# 两行分别是 50% 和 90% 区间的覆盖率。大多数明显高于各自的水平，50% 的尤其如此。拟合不足造成的误差不是高斯的：几乎处处很小，少数地方较大；似然为照顾这些地方，给大多数行报的方差都偏大。
# 所以在确定性的仿真器上，不要把模型预测的方差读作世界的噪声，它是模型犯错的大小。

# %% [markdown] tags=["lang-en"]
# ## What the targets are divided by
#
# One number decides more than it seems to: what the targets are divided by. On Pendulum, without any scaling, how
# much of the variance that the network has to explain is reward?

# %% [markdown] tags=["lang-zh"] twin="54994abf"
# ## 目标除以什么
#
# 有一个数比看上去重要得多：目标除以什么。在摆上，如果完全不缩放，网络要解释的方差里，奖励占多少？

# %% named="parts"
from mbpo_teach.model.dynamics import raw_targets

for targets in (raw_targets(gathered), model.scaled_targets(gathered)):
    variance = targets.var(dim=0)
    print([f"{share:.1%}" for share in variance / variance.sum()])

# %% [markdown] tags=["lang-en"]
# Each line has the shares of cosine, sine, velocity and reward. Unscaled, the reward, down to about −16, is
# 98 %{{parts[3]/100 | .0%}} of it, and the changes of cosine and sine are drowned. Divided by their deviations, all four
# count about the same.
#
# So divide every column by its deviation? InvertedPendulum-v5, a pole to be balanced on a cart, gives 1 for each step, and
# 0 for the one on which the pole falls. A good agent falls rarely. The rarer the fall, the smaller the reward's deviation, and the larger,
# divided by it, the one row that differs. We gather the past of an agent that learned: 500 random steps, then 2500
# under a controller with some random pushes. A later past, of twice that, is for judging.

# %% [markdown] tags=["lang-zh"] twin="05133271"
# 每行依次是余弦、正弦、角速度和奖励所占的比例。不缩放时，低到约 −16 的奖励占了 98%{{parts[3]/100 | .0%}}，余弦和正弦的变化被淹没了。各除以自己的标准差之后，四列差不多一样重要。
#
# 那么，每一列都除以自己的标准差？InvertedPendulum-v5（在小车上立住一根杆）每一步给 1，只有杆倒下的那一步给 0。好的智能体很少让杆倒下。倒得越少，奖励的标准差就越小；除以它之后，
# 那个与众不同的行就越大。我们收集一个学过一阵的智能体的经历：500 步随机动作，再加 2500 步由带有随机扰动的控制器行动。另收集两倍的数据用来评判。

# %% tags=["nbval-check-output"]
from mbpo_teach.world.transitions import concatenate

cart = envs.make("InvertedPendulum-v5")


def past_of(name, wild, steady):
    rng = generator(0, name, "push")

    def hold(obs):
        return np.clip([obs @ (1, 10, 1.5, 2) + 0.6 * rng.standard_normal()], -1, 1)

    start = envs.collect(cart, steps=wild, rng=generator(0, name, "wild"))
    return concatenate([start, envs.collect(cart, hold, steps=steady, rng=generator(0, name))])


past, later = past_of("past", 500, 2500), past_of("later", 1000, 5000)
print(len(past.obs), bool((past.reward == 1 - past.terminated.float()).all()))

# %% [markdown] tags=["lang-en"]
# The library divides the reward by max(deviation, 1). For a reward of 0 or 1 that changes nothing. To divide by the
# deviation instead, it is enough to hand over rewards already divided: their deviation is then 1. Both models see the
# same rows and start from the same weights.
#
# **Predict.** In the squared error, rare rows weigh about 40{{round(falls[7]**-2, -1) | .0f}} times as much when the reward
# is divided by its deviation. Will the model learn the fall better? What becomes of the states?

# %% [markdown] tags=["lang-zh"] twin="8d036faf"
# 课程代码把奖励除以 max(标准差, 1)。奖励只有 0 和 1 时，这等于什么也没做。要改成除以标准差，只需把事先除好的奖励交给它：那时标准差就是 1。两个模型看到的行相同，初始权重也相同。
#
# **先预测。** 奖励除以标准差时，稀有的行在平方误差里的分量约为原来的 40{{round(falls[7]**-2, -1) | .0f}} 倍。模型会把“倒下”学得更好吗？状态又会怎样？


# %% named="falls"
def compare(unit):
    model, report = fitted(past._replace(reward=past.reward / unit), "cart")
    with torch.no_grad():
        mean = predict(model, later.obs, later.act, members=report.elites).mean.mean(dim=0)
    change = (later.next_obs - later.obs).std(dim=0)
    states = ((mean[:, :-1] - later.next_obs) / change).square().mean().sqrt()
    falls = (mean[:, -1] * unit - later.reward)[later.terminated].square().mean().sqrt()
    best, last = report.curve.argmin(dim=0).float().mean(), len(report.curve) - 1
    print(f"reward / {unit:.2f}: states {states:.3f}, falls {falls:.2f}, kept {best:.0f} of {last}")
    return states


print(int(past.terminated.sum()), int(later.terminated.sum()))
kept_apart, drowned = compare(1.0), compare(float(past.reward.std(correction=0)))

# %% tags=["nbval-check-output"]
print(bool(drowned > 3 * kept_apart))

# %% [markdown] tags=["lang-en"]
# First the numbers of falls in both pasts, then a line for each model: what the reward was divided by, the error of
# the states in deviations of their change, the error of the reward on the falls alone, and after which epoch, of how
# many, the members had their best weights, on average.
#
# <details><summary>What was seen</summary>
#
# Divided by its deviation, the reward drowns the states: their error is 15{{falls[8]/falls[3] | .0f}} times as large.
# The last number says how. The falls are few, so the members soon learn them by heart, and on held-out falls the error
# rises again. In the second model those falls are most of the holdout score. So the score is lowest early, when the
# states are still far from learned, and *those* weights are kept; training longer changes nothing. In the first, the
# falls weigh less, and the score goes on falling with the error of the states until little is left of that.
#
# And the falls have gained nothing: their error is 0.65{{falls[9] | .2f}}, and 0.63{{falls[4] | .2f}} in the first model.
# (A model that always says "1" would have an error of 1 there. Both have learned something about falling; neither very
# much, from 78{{falls[0] | .0f}} falls.) With max(deviation, 1) the rare rows are not drowned, and drown nobody.
#
# </details>
#
# One past and one simulator prove no rule. They show what to look at when a model does not learn: the share of each
# column, and of rare rows, in its holdout error.

# %% [markdown] tags=["lang-zh"] twin="249b094c"
# 先是两份数据中倒下的次数；然后每个模型一行：奖励除以什么，状态的误差（以变化量的标准差为单位），只在倒下的那些行上奖励的误差，以及各成员平均在第几轮（共几轮）得到最好的权重。
#
# <details><summary>看到了什么</summary>
#
# 除以标准差之后，奖励淹没了状态：状态的误差大到 15{{falls[8]/falls[3] | .0f}} 倍。最后那个数说出了原因。倒下的次数很少，成员们很快就把它们背了下来，而在留出的那些倒下上，误差反而回升。
# 在第二个模型里，留出误差的大部分来自这些倒下。于是它很早就到了最低点，那时状态还远没有学好，保留下来的却正是*那时*的权重；再训练多久也没有用。
# 在第一个模型里，倒下的分量轻，留出误差随着状态的误差继续下降，直到后者所剩无几。
#
# 而倒下的预测没有从中得到好处：误差是 0.65{{falls[9] | .2f}}，第一个模型是 0.63{{falls[4] | .2f}}。（总是回答“1”的模型，在这些行上的误差是 1。两者都学到了一点，但倒下只有 78{{falls[0] | .0f}} 次，谁也学不到很多。）
# 用 max(标准差, 1)，稀有的行没有被淹没，也没有淹没别人。
#
# </details>
#
# 一份经历、一个仿真器证明不了什么规律，但它们告诉我们，模型学不好的时候该看什么：每一列、每一类稀有的行，在留出误差里各占多少。

# %% [markdown] tags=["lang-en"]
# ## Quiz
#
# **1. You double the data, collected by the same policy. Which of the two uncertainties shrinks, and where?**
#
# <details><summary>Answer</summary>
#
# The epistemic one, above all where the data lie. The noise stays what it is; and where the policy never goes there are as
# few data as before, namely none: there it stays large.
#
# </details>
#
# **2. A single network reports a deviation of 0.1 in a state unlike any it was trained on. How far do you trust that
# number?**
#
# <details><summary>Answer</summary>
#
# Not at all. The likelihood trained it only where there were data. Elsewhere it is an extrapolation, kept within sane
# limits at best.
#
# </details>
#
# **3. All seven members agree closely. Is the model right?**
#
# <details><summary>Answer</summary>
#
# Not necessarily. They share architecture, recipe and most of their data, and can share a mistake. In the empty parts of
# the map they disagreed by less than they were wrong. Disagreement is a reason for doubt; agreement is no proof.
#
# </details>
#
# **4. Why are the best weights kept for each member, and not those of the epoch at which the average was best?**
#
# <details><summary>Answer</summary>
#
# Members share no weights and improve at different times. At the epoch with the best average some members may
# be past their best, and others not yet there.
# Keeping each one's best costs nothing but a copy.
#
# </details>
#
# **5. A model's 90 % intervals hold 90 % of held-out rows. Is it a good model?**
#
# <details><summary>Answer</summary>
#
# It is calibrated. A model that always predicts the mean and deviation of all data can be that too. Among calibrated
# models the one with the narrower intervals is better, and the NLL sees both.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="d5294a28"
# ## 小测
#
# **1. 用同一个策略再收集一倍的数据。两种不确定性中哪一种会变小，在哪里变小？**
#
# <details><summary>答案</summary>
#
# 认知不确定性，主要在有数据的地方变小。噪声还是那么大；策略从来不去的地方，数据和以前一样少，也就是没有，那里它仍然很大。
#
# </details>
#
# **2. 遇到一个与训练数据毫不相似的状态，单个网络报告标准差为 0.1。这个数可信吗？**
#
# <details><summary>答案</summary>
#
# 完全不可信。似然只在有数据的地方训练过它。在别处它是外推，充其量被界限拦在合理的范围里。
#
# </details>
#
# **3. 七个成员的意见非常一致。模型就是对的吗？**
#
# <details><summary>答案</summary>
#
# 不一定。它们的结构、训练方法和大部分数据都相同，可能一起犯错。在地图上没有数据的地方，它们的分歧就小于误差。有分歧，就有理由怀疑；没有分歧，却证明不了什么。
#
# </details>
#
# **4. 为什么每个成员各自保留最好的权重，而不是统一取平均误差最低的那一轮？**
#
# <details><summary>答案</summary>
#
# 各成员不共用权重，进步有先有后。在平均误差最低的那一轮，有的成员可能已经过了最好的时候，有的可能还没有到。各自保留最好的，只需多存一份副本。
#
# </details>
#
# **5. 某个模型的 90% 区间恰好装下了 90% 的留出数据。它是好模型吗？**
#
# <details><summary>答案</summary>
#
# 它是校准的。可是一个永远预测全体数据的均值和标准差的模型，也可以是校准的。同样校准的模型里，区间窄的更好；NLL 两方面都看得到。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Take-aways
#
# - Aleatoric uncertainty is noise, predicted by each network; epistemic uncertainty is ignorance, shown by the
#   members' disagreement. The mixture's variance is mean(var) + var(means).
# - The NLL makes a network honest about noise, where there are enough data. Soft limits, trained with the weights, keep its
#   claims sane elsewhere, and let a variance that has left the interval come back.
# - Initial weights make the members differ, and on small data the bootstrap more so; the holdout judges them, early
#   stopping ends in time, each keeps its best weights, and the elites are used.
# - Disagreement says where a model may be guessing; it is no measure of how wrong it is.
# - A model is calibrated if its 90 % intervals hold 90 % of held-out rows, and so at every level: that can be counted. On
#   a deterministic simulator the predicted deviations measure the model's mistakes.
# - What targets are divided by decides what is learned.
#
# ## References
#
# 1. M. Janner, J. Fu, M. Zhang, S. Levine. *When to Trust Your Model: Model-Based Policy Optimization.* NeurIPS 2019,
#    [arXiv 1906.08253](https://arxiv.org/abs/1906.08253). Section 5 for the ensemble, appendix C for its settings.
# 2. K. Chua, R. Calandra, R. McAllister, S. Levine. *Deep Reinforcement Learning in a Handful of Trials using
#    Probabilistic Dynamics Models* (PETS). NeurIPS 2018, [arXiv 1805.12114](https://arxiv.org/abs/1805.12114).
#    Section 4 for both uncertainties, appendix A.1 for the limits of the variance.
# 3. B. Lakshminarayanan, A. Pritzel, C. Blundell. *Simple and Scalable Predictive Uncertainty Estimation using Deep
#    Ensembles.* NeurIPS 2017, [arXiv 1612.01474](https://arxiv.org/abs/1612.01474). Section 2 for the likelihood and
#    the mixture.
# 4. T. Gneiting, F. Balabdaoui, A. Raftery. *Probabilistic forecasts, calibration and sharpness.* Journal of the
#    Royal Statistical Society B 69, 2007. Section 1: calibrated first, then as sharp as possible.
#
# **Next:** this model is good for one step. [Chapter 03](03_compounding_error.ipynb) takes several, one after another,
# and measures how its errors grow. What errors mean for returns is the subject of
# [chapter 04](04_when_to_trust.ipynb).

# %% [markdown] tags=["lang-zh"] twin="1f59a6fd"
# ## 要点
#
# - 偶然不确定性是噪声，由每个网络自己预测；认知不确定性是无知，由成员之间的分歧显示。混合分布的方差等于 mean(var) + var(means)。
# - 在数据足够多的地方，NLL 让网络对噪声诚实。界限是软的，并与权重一起训练：在别处，它让网络的说法不至于离谱；方差离开了区间，也还能回来。
# - 成员各不相同，靠的是初始权重不同；数据少时，自助样本让它们差别更大。留出数据评判它们，提前停止及时结束训练，每个成员保留自己最好的权重，用的是精英成员。
# - 分歧提示模型可能在哪里猜，不能度量它错多少。
# - 如果 90% 的区间恰好装下 90% 的留出数据，对每个水平都如此，模型就是校准的：数一数就知道。在确定性的仿真器上，预测的标准差量出的是模型的错误。
# - 目标除以什么，决定了模型学到什么。
#
# ## 参考文献
#
# 1. M. Janner, J. Fu, M. Zhang, S. Levine. *When to Trust Your Model: Model-Based Policy Optimization.* NeurIPS 2019,
#    [arXiv 1906.08253](https://arxiv.org/abs/1906.08253)。模型集成见第 5 节，具体设置见附录 C。
# 2. K. Chua, R. Calandra, R. McAllister, S. Levine. *Deep Reinforcement Learning in a Handful of Trials using Probabilistic
#    Dynamics Models*（PETS）. NeurIPS 2018, [arXiv 1805.12114](https://arxiv.org/abs/1805.12114)。两种不确定性见第 4 节，方差的界限见附录 A.1。
# 3. B. Lakshminarayanan, A. Pritzel, C. Blundell. *Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles.*
#    NeurIPS 2017, [arXiv 1612.01474](https://arxiv.org/abs/1612.01474)。似然与混合见第 2 节。
# 4. T. Gneiting, F. Balabdaoui, A. Raftery. *Probabilistic forecasts, calibration and sharpness.* Journal of the Royal
#    Statistical Society B 69, 2007。第 1 节：先求校准，再求锐度（区间尽量窄）。
#
# **下一章：** 这个模型走一步还不错。[第 03 章](03_compounding_error.ipynb)让它一步接一步地走，量一量误差怎样增长。误差对回报意味着什么，是[第 04 章](04_when_to_trust.ipynb)的主题。
