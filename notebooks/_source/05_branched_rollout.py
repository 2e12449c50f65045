# %% [markdown] tags=["lang-en"]
# # 05 · Branch from where you have been, briefly
#
# Chapter 03: errors compound, and as a rule grow with the number of imagined steps. Chapter 04: theorem 4.1 accepts no step
# away from the data. The paper's way out [1]: start imagining where you have really been, stop soon, and measure the model's error under the current
# policy. How soon is the first question of this chapter; which of these ingredients does what is the second. Words are
# explained in the [glossary](../../docs/glossary.md).
#
# | this chapter | in short |
# |---|---|
# | **Objectives** | Define the branched return $\eta_k$ and compute it; say where both parts of theorem 4.3's penalty come from; derive $k^*$, and say why it is no reason for short branches; say what buys the guarantee and what branching buys; say which errors may be measured where; write a branched rollout and a schedule for $k$. |
# | **Prerequisites** | Chapter 04 (total variation, $\epsilon_m$, $\epsilon_\pi$, $C$); chapter 03 for the measured error; NumPy. |
# | **Reading time** | 100 minutes |
# | **Run time** | about 15 s on two cores |
# | **Language** | English · [中文](../zh/05_branched_rollout.ipynb) |

# %% [markdown] tags=["lang-zh"] twin="d38e1bc9"
# # 05 · 从去过的地方分支，只走几步
#
# 第 03 章：误差会复合，想象的步数越多，误差通常越大。第 04 章：定理 4.1 不接受任何离开数据的策略更新。论文 [1] 的出路是：从真正去过的地方开始想象，走几步就停，并在当前策略下测量模型误差。该走几步，是本章的第一个问题；这几样东西各起什么作用，是第二个问题。术语的解释见[术语表](../../docs/glossary.md)。
#
# | 本章 | 概要 |
# |---|---|
# | **学习目标** | 定义并计算分支推演回报 $\eta_k$；说清定理 4.3 的惩罚项中两部分各从何而来；推导 $k^*$，并说明它为什么不是采用短分支的理由；说清保证从何而来，分支又带来什么；说清哪些误差可以在哪里测量；写出一个分支推演和 $k$ 的调度。 |
# | **预备知识** | 第 04 章（全变差距离、$\epsilon_m$、$\epsilon_\pi$、$C$）；测得的误差见第 03 章；NumPy。 |
# | **阅读时间** | 100 分钟 |
# | **运行时间** | 双核机器上约 15 秒 |
# | **语言** | [English](../en/05_branched_rollout.ipynb) · 中文 |

# %% [markdown] tags=["lang-en"]
# ## The idea in one picture
#
# ![A real path of a pendulum with short imagined branches that stay on it, and whole imagined rollouts that drift away](../../Illustrations/branched_rollout.png)
#
# The black line is real: a pendulum in the plane of angle and angular velocity, which a simple policy swings higher and
# higher. A small ensemble was trained on only 200 random steps. The dashed lines are whole rollouts: they begin at the
# start of the path and go on in imagination, with the same policy. After one turn they are beside the path, and in the
# end most of them go over the top, at $2\pi$, while the real pendulum swings back. The short blue lines are **branches**: they begin at the
# dots, which are states really visited, and take six imagined steps. The same model makes both.
#
# That is the whole idea of a **branched rollout**: the model is used from states that were really visited, for few
# steps, instead of from the start of an episode to its end. The errors get little time to compound. In return, the
# states in which a branch begins are those of the policy that collected the data, and not of the one we want to
# improve. The length $k$ stands between the two: long branches give more imagined experience, and experience more like
# the current policy's, for each real step; short ones give experience that can be trusted more. How much it matters in
# practice is measured in chapter 07.

# %% [markdown] tags=["lang-zh"] twin="b17b2221"
# ## 一张图说明想法
#
# ![摆的真实轨迹，贴着它的短分支，以及渐渐偏离的完整想象推演](../../Illustrations/分支推演示意图.png)
#
# 黑线是真实的：以角度和角速度为坐标的一个摆，一个简单的策略让它越荡越高。一个小的模型集成只用 200 条随机的转移训练而成。虚线是完整推演：用同一个策略，从轨迹的起点出发，一路想象下去。转过一圈，它们就已偏离轨迹；到最后，真实的摆荡了回来，它们却大多翻过了顶（$2\pi$ 处）。蓝色短线是**分支**：从圆点，也就是真实访问过的状态出发，各想象六步。两者出自同一个模型。
#
# **分支推演**（branched rollout）的全部想法就在这里：使用模型时，从真实访问过的状态出发，只走几步，而不是从回合的开头走到结尾。误差来不及累积多少。但分支开始处的状态来自收集数据的策略，而不是我们想要改进的那个策略。在两者之间取舍的是长度 $k$，也叫**推演步数**：分支长，每一步真实交互就能得到更多的**虚拟数据**（即想象的转移），也更接近当前策略自己的经验；分支短，这些数据更可信。它在实践中有多要紧，由第 07 章测量。

# %% [markdown] tags=["lang-en"]
# ## The branched return $\eta_k$
#
# To say what a length costs, the paper describes a process. Fix a time $t$. The data-collecting policy $\pi_D$ acts in the
# real world from time 0 until time $t - k$; there the branch begins, and the current policy $\pi$ acts in the model for the
# last $k$ steps before $t$:
#
# $$\underbrace{0 \;\to\; \cdots \;\to\; t-k}_{\pi_D,\ \text{real}}\;
#   \underbrace{\to\; \cdots \;\to\; t}_{\pi,\ \text{imagined}}$$
#
# If $t < k$ there are no real steps, and all $t$ are imagined. So the state at time $t$ has run $\pi_D$ for real for
# $\max(t-k, 0)$ steps, then $\pi$ in the model for $\min(t, k)$; its action comes from $\pi$. (For $k = 0$ the model is
# not used at all and the action comes from $\pi_D$.) Every $t$ has a process of its own: once $t \ge k$, the branch that leads to $t + 1$
# begins one real step later than the one that leads to $t$. The **branched return** $\eta_k[\pi]$ is the discounted sum,
# over $t$, of the expected rewards at time $t$ in these processes.
#
# We go back to chapter 04's river, with a shift of $\epsilon_\pi = 0.1$ towards always right, and with as much of the
# hopeful river in the model as makes $\epsilon_m' = 0.01$. Recall that $\epsilon_m'$ is the model error where the
# *current* policy goes.
#
# **Predict.** Which return is $\eta_0$? Which one does $\eta_k$ approach as $k$ grows?

# %% [markdown] tags=["lang-zh"] twin="3876e41b"
# ## 分支推演回报 $\eta_k$
#
# 要说清长度的代价，论文描述了这样一个过程。取定时刻 $t$：从时刻 0 到时刻 $t-k$，收集数据的策略 $\pi_D$ 在真实环境中行动；分支从那里开始，$t$ 之前的最后 $k$ 步由当前策略 $\pi$ 在模型中走：
#
# $$\underbrace{0 \;\to\; \cdots \;\to\; t-k}_{\pi_D\text{，真实}}\;
#   \underbrace{\to\; \cdots \;\to\; t}_{\pi\text{，想象}}$$
#
# 若 $t < k$，就没有真实的部分，$t$ 步全是想象。也就是说，时刻 $t$ 的状态先由 $\pi_D$ 真实地走 $\max(t-k, 0)$ 步，再由 $\pi$ 在模型中走 $\min(t, k)$ 步，动作由 $\pi$ 给出。（$k = 0$ 时完全不用模型，动作由 $\pi_D$ 给出。）每个 $t$ 各有自己的过程：$t \ge k$ 时，通向 $t+1$ 的分支，比通向 $t$ 的分支晚一步真实交互才开始。各个过程在时刻 $t$ 的奖励期望乘以折扣，再对 $t$ 求和，就是**分支推演回报**（branched return）$\eta_k[\pi]$。
#
# 回到第 04 章的河：策略向“一直向右”偏移 $\epsilon_\pi = 0.1$，模型里掺入乐观的河，掺到 $\epsilon_m' = 0.01$ 为止。$\epsilon_m'$ 是在*当前*策略所到之处度量的模型误差。
#
# **先预测。** $\eta_0$ 是哪个回报？$k$ 增大时，$\eta_k$ 趋于哪个回报？

# %%
import numpy as np

from mbpo_teach.tables import mdp, river
from mbpo_teach.theory import bounds, exact

world = river.river_swim(gamma=0.9)
data_policy = np.full((6, 2), 0.5)
policy = exact.mixture(data_policy, river.swim_right(), 0.2)
share = 0.01 / exact.model_error(world, river.hopeful_model(), policy)
model = exact.mixture(world.transition, river.hopeful_model(), share)


# %% tags=["nbval-check-output"] named="returns"
def branched_return(k: int) -> float:
    real = np.einsum("sa,sap->sp", data_policy, world.transition)
    imagined = np.einsum("sa,sap->sp", policy, model)
    reward = ((policy if k else data_policy) * world.reward).sum(axis=1)
    law, total = world.start, 0.0  # the law of the state after the real steps
    for t in range(400):
        branch = np.linalg.matrix_power(imagined, min(t, k))
        total += world.gamma**t * law @ branch @ reward
        law = law @ real if t >= k else law
    return total


ours = exact.branched_returns(world, model, policy, data_policy, max_length=200)
for k in (0, 1, 9, 22, 200):
    print(f"{k:4d}  {branched_return(k):.4f}  {ours[k]:.4f}")
for acting, dynamics in ((data_policy, None), (policy, None), (policy, model)):
    print(f"{mdp.exact_return(world, acting, dynamics):.4f}")

# %% [markdown] tags=["lang-en"]
# First $\eta_k$, by its definition and by `exact.branched_returns`, which gets all lengths from one linear solve. Then
# $\eta[\pi_D]$, $\eta[\pi]$ and $\hat\eta[\pi]$. So $\eta_0$ is the true return of the old policy, and for large $k$ the
# branched return is the model return of the new one. Of the lengths printed here, $k = 9$ comes closest to the
# number that we would like to know, $\eta[\pi] = 0.4505${{returns[16] | .4f}}.
#
# ## Theorem 4.3, and why not theorem 4.2
#
# How far is $\eta_k[\pi]$ from $\eta[\pi]$? Compare the branched process with $\pi$ acting for real all the time.
# *Before* the branch point the dynamics are the same and the policies differ, by $\epsilon_\pi$. *After* it the policies
# are the same and the dynamics differ, by $\epsilon_m'$. So by time $t$ the old policy has acted $\max(t-k, 0)$ times
# and the model $\min(t, k)$ times. Each of these steps can move the law of the state by at most $\epsilon_\pi$, or
# $\epsilon_m'$, in total variation; and where two laws are $d$ apart, the expected rewards differ by at most
# $2 r_{\max} d$. What remains is to discount and to add up:
#
# $$\sum_{t\ge 0} \gamma^t \max(t-k, 0) = \frac{\gamma^{k+1}}{(1-\gamma)^2}, \qquad
#   \sum_{t\ge 0} \gamma^t \min(t, k) \le \frac{k}{1-\gamma}.$$
#
# The paper's lemma B.4 adds one more term, $\gamma^k\epsilon_\pi/(1-\gamma)$, for the action itself. It is needed only at
# $k = 0$, where the action is the old policy's, but stands there for every $k$:
#
# $$\eta[\pi] \;\ge\; \eta_k[\pi] - 2 r_{\max}\left[\frac{\gamma^{k+1}\epsilon_\pi}{(1-\gamma)^2}
#   + \frac{\gamma^k\epsilon_\pi}{1-\gamma} + \frac{k\,\epsilon_m'}{1-\gamma}\right].$$
#
# This is **theorem 4.3**. The first two terms are the same thing at two places; together they are simpler:
#
# $$\text{penalty}(k) = \underbrace{\frac{2 r_{\max}\gamma^k\epsilon_\pi}{(1-\gamma)^2}}_{\text{distribution shift}}
#   + \underbrace{\frac{2 r_{\max}\,k\,\epsilon_m'}{1-\gamma}}_{\text{model error}}.$$
#
# - *Distribution shift.* Whatever happened more than $k$ steps ago was the old policy's doing. It weighs less, by a
#   factor of $\gamma$, with every step that the branch is longer.
# - *Model error.* Each of the $k$ steps of the branch can go wrong, with a chance of at most $\epsilon_m'$.
#
# *Where the paper disagrees with itself.* The paper's main text takes the expectation in $\epsilon_m'$ under $\pi_D$; appendix A.2 takes it under
# $\pi$. The appendix is what is meant: under $\pi_D$ it would be $\epsilon_m$ again. And appendices B.2 to B.4 say KL
# divergence where the proofs use total variation. Section 4.1 defines $\epsilon_m$ by the law of next state *and* reward
# together, appendix A by that of the next state alone. Our tables follow the appendix, since their reward is known;
# MBPO's model predicts the reward too, and then its error belongs in $\epsilon_m$.
#
# **Theorem 4.2** is the version for someone who knows the model error under $\pi_D$ only:
#
# $$\eta[\pi] \;\ge\; \eta_k[\pi] - 2 r_{\max}\left[\frac{\gamma^{k+1}\epsilon_\pi}{(1-\gamma)^2}
#   + \frac{(\gamma^k + 2)\,\epsilon_\pi}{1-\gamma} + \frac{k\,(\epsilon_m + 2\epsilon_\pi)}{1-\gamma}\right].$$
#
# Each imagined step counts $\epsilon_m + 2\epsilon_\pi$ instead of $\epsilon_m'$, and $2\epsilon_\pi/(1-\gamma)$ is added
# once. One more step then changes the bracket by
#
# $$\frac{\epsilon_m + 2\epsilon_\pi - \gamma^k\epsilon_\pi}{1-\gamma}
#   \;\ge\; \frac{\epsilon_m + \epsilon_\pi}{1-\gamma} \;\ge\; 0 .$$
#
# So one more step never makes the penalty smaller. Taken literally, theorem 4.2 says: do not use the model. The authors'
# way out is to *measure* the error on the current policy, and their finding (figure 1 of the paper) is that it grows far
# more slowly with $\epsilon_\pi$ than the sum $\epsilon_m + 2\epsilon_\pi$ fears.

# %% [markdown] tags=["lang-zh"] twin="bb628bc4"
# 先是 $\eta_k$，按定义算一遍，再用 `exact.branched_returns` 算一遍，后者解一次线性方程组就得到所有长度。然后依次是 $\eta[\pi_D]$、$\eta[\pi]$ 和 $\hat\eta[\pi]$。可见 $\eta_0$ 是旧策略的真实回报；$k$ 很大时，分支推演回报就是新策略的模型回报。在这里列出的长度中，$k = 9$ 处最接近我们真正想知道的数 $\eta[\pi] = 0.4505${{returns[16] | .4f}}。
#
# ## 定理 4.3，以及为什么不用定理 4.2
#
# $\eta_k[\pi]$ 离 $\eta[\pi]$ 有多远？把分支过程与“$\pi$ 始终真实地行动”相比较。在分支点*之前*，环境动态相同，策略相差 $\epsilon_\pi$；在分支点*之后*，策略相同，环境动态相差 $\epsilon_m'$。于是到时刻 $t$，旧策略行动了 $\max(t-k, 0)$ 次，模型走了 $\min(t, k)$ 步。每一次行动使状态的分布至多偏离 $\epsilon_\pi$，每一步想象至多使它偏离 $\epsilon_m'$（以全变差距离计）；两个分布相距 $d$，奖励的期望就至多相差 $2 r_{\max} d$。剩下的只是按折扣求和：
#
# $$\sum_{t\ge 0} \gamma^t \max(t-k, 0) = \frac{\gamma^{k+1}}{(1-\gamma)^2}, \qquad
#   \sum_{t\ge 0} \gamma^t \min(t, k) \le \frac{k}{1-\gamma}.$$
#
# 论文的引理 B.4 还为动作本身加上一项 $\gamma^k\epsilon_\pi/(1-\gamma)$。只有 $k = 0$ 时动作出自旧策略，才需要这一项，但它对每个 $k$ 都保留着：
#
# $$\eta[\pi] \;\ge\; \eta_k[\pi] - 2 r_{\max}\left[\frac{\gamma^{k+1}\epsilon_\pi}{(1-\gamma)^2}
#   + \frac{\gamma^k\epsilon_\pi}{1-\gamma} + \frac{k\,\epsilon_m'}{1-\gamma}\right].$$
#
# 这就是**定理 4.3**。前两项是同一件事的两处表现，合起来更简单：
#
# $$\text{penalty}(k) = \underbrace{\frac{2 r_{\max}\gamma^k\epsilon_\pi}{(1-\gamma)^2}}_{\text{分布偏移}}
#   + \underbrace{\frac{2 r_{\max}\,k\,\epsilon_m'}{1-\gamma}}_{\text{模型误差}}.$$
#
# - *分布偏移。* $k$ 步以前发生的事都是旧策略造成的。分支每长一步，它的分量就再乘一次 $\gamma$。
# - *模型误差。* 分支的 $k$ 步中，每一步都可能走错，概率至多为 $\epsilon_m'$。
#
# *论文前后不一的三处。* 论文正文里，$\epsilon_m'$ 的期望是在 $\pi_D$ 之下取的，附录 A.2 则是在 $\pi$ 之下取的。应以附录为准：在 $\pi_D$ 之下，它就又成了 $\epsilon_m$。附录 B.2 至 B.4 写的是 KL 散度，证明里用的却是全变差距离。4.1 节定义 $\epsilon_m$ 时，用的是下一个状态*和*奖励的联合分布，附录 A 只用下一个状态的分布。我们的表格以附录为准，因为奖励是已知的；MBPO 的模型也要预测奖励，那时奖励的误差也属于 $\epsilon_m$。
#
# **定理 4.2** 则是写给只知道 $\pi_D$ 之下模型误差的人的：
#
# $$\eta[\pi] \;\ge\; \eta_k[\pi] - 2 r_{\max}\left[\frac{\gamma^{k+1}\epsilon_\pi}{(1-\gamma)^2}
#   + \frac{(\gamma^k + 2)\,\epsilon_\pi}{1-\gamma} + \frac{k\,(\epsilon_m + 2\epsilon_\pi)}{1-\gamma}\right].$$
#
# 每想象一步，计入的是 $\epsilon_m + 2\epsilon_\pi$ 而不是 $\epsilon_m'$，另外还要加上一次 $2\epsilon_\pi/(1-\gamma)$。多走一步，方括号的变化是
#
# $$\frac{\epsilon_m + 2\epsilon_\pi - \gamma^k\epsilon_\pi}{1-\gamma}
#   \;\ge\; \frac{\epsilon_m + \epsilon_\pi}{1-\gamma} \;\ge\; 0 .$$
#
# 可见多走一步，惩罚项绝不会变小。照字面理解，定理 4.2 说的是：不要用模型。作者的出路是在当前策略下*测量*误差；他们发现（论文图 1），它随 $\epsilon_\pi$ 增长的速度，远低于 $\epsilon_m + 2\epsilon_\pi$ 这个和所担心的。

# %% tags=["nbval-check-output"]
setting = {"gamma": 0.9, "r_max": 1.0, "eps_pi": 0.1}
for k in (0, 1, 2, 3, 22, 50):
    pessimistic = bounds.branched_penalty(k, eps_m=0.01, **setting)
    on_policy = bounds.branched_penalty_on_policy(k, eps_m_prime=0.01, **setting)
    print(f"{k:3d}  {pessimistic:7.2f}  {on_policy:6.2f}")

# %% [markdown] tags=["lang-en"]
# Length, penalty of theorem 4.2, penalty of theorem 4.3, for $\gamma = 0.9$, $\epsilon_m = \epsilon_m' = 0.01$ and
# $\epsilon_\pi = 0.1$. The first column of penalties only rises. The second falls, and then rises.
#
# ### Exercise 05-1: the penalty of theorem 4.3
#
# Write it as a function of $k$, $\gamma$, $r_{\max}$, $\epsilon_m'$ and $\epsilon_\pi$. For (22, 0.9, 1, 0.01, 0.1) it is
# 6.3695.
#
# <details><summary>Hint</summary>
#
# Only the distribution shift is divided by the square, and only it holds a power of $\gamma$.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="48ad49f9"
# 各列依次是长度、定理 4.2 的惩罚项、定理 4.3 的惩罚项，其中 $\gamma = 0.9$，$\epsilon_m = \epsilon_m' = 0.01$，$\epsilon_\pi = 0.1$。前者只升不降，后者先降后升。
#
# ### 练习 05-1：定理 4.3 的惩罚项
#
# 把它写成 $k$、$\gamma$、$r_{\max}$、$\epsilon_m'$、$\epsilon_\pi$ 的函数。对 (22, 0.9, 1, 0.01, 0.1)，结果应为 6.3695。
#
# <details><summary>提示</summary>
#
# 只有分布偏移除以平方，也只有它含有 $\gamma$ 的幂。
#
# </details>

# %% mbpo={"exercise": "05-1", "role": "setup"}
from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "05-1", "role": "answer"}
def penalty(k: int, gamma: float, r_max: float, eps_m_prime: float, eps_pi: float) -> float:
    """Return what theorem 4.3 subtracts from the branched return."""
    ### BEGIN SOLUTION
    shift = gamma**k * eps_pi / (1 - gamma) ** 2
    model_error = k * eps_m_prime / (1 - gamma)
    return 2 * r_max * (shift + model_error)
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "05-1", "role": "check"}
check("05-1", penalty)

# %% [markdown] tags=["lang-en"]
# ## Choosing $k$: the guidance, derived
#
# What follows is the advice that the paper's theorem gives. We derive it, use it, and then take it apart: two sections
# further on it turns out that the minimum below comes from a loose step in the proof, and that short branches have another
# reason. It is worth deriving all the same, because it puts the question rightly: what does
# one more step add, and what does it take away?
#
# Should a branch of $k$ steps take one more? Subtract:
#
# $$\text{penalty}(k+1) - \text{penalty}(k) = \frac{2 r_{\max}}{1-\gamma}\left[\epsilon_m' - \gamma^k\epsilon_\pi\right],$$
#
# because $\gamma^{k+1} - \gamma^k = -(1-\gamma)\,\gamma^k$. The bracket has a plain meaning. One more step adds
# $\epsilon_m'$, and it takes away $\gamma^k\epsilon_\pi$ of the old policy's influence. **Go on as long as
# $\epsilon_m' < \gamma^k\epsilon_\pi$.** The left side stays, the right side shrinks with $k$, so there is one point at
# which to stop, the first $k$ with $\gamma^k\epsilon_\pi \le \epsilon_m'$:
#
# $$k^* = \left\lceil \frac{\ln(\epsilon_m'/\epsilon_\pi)}{\ln\gamma} \right\rceil
#   \quad\text{if } 0 < \epsilon_m' < \epsilon_\pi \text{ and } \gamma > 0.$$
#
# The edges, from the same rule:
#
# - $\epsilon_m' \ge \epsilon_\pi$: the very first step makes it larger or no smaller, $k^* = 0$. In particular for $\epsilon_\pi = 0$.
# - $\epsilon_m' = 0 < \epsilon_\pi$: every step makes it smaller, no finite length is best, $k^* = \infty$. (For $\gamma > 0$.)
# - $\gamma = 0$: after the first step nothing is left to gain, so $k^* = 1$ if $\epsilon_m' < \epsilon_\pi$, else 0.
# - A tie, $\epsilon_m' = \gamma^j\epsilon_\pi$: the step from $j$ to $j+1$ changes nothing, and both lengths are best.

# %% [markdown] tags=["lang-zh"] twin="a0da3cbd"
# ## 怎样选 $k$：推导出来的指导
#
# 下面是论文的定理给出的建议。我们先推导它、使用它，然后拆解它：再过两节就会看到，下面的极小值出自证明中放得过松的一步，用短分支另有原因。不过仍值得推导一遍，因为它把问题提对了：多走一步，增加什么，又减少什么？
#
# 走了 $k$ 步的分支，该不该再走一步？作差：
#
# $$\text{penalty}(k+1) - \text{penalty}(k) = \frac{2 r_{\max}}{1-\gamma}\left[\epsilon_m' - \gamma^k\epsilon_\pi\right],$$
#
# 因为 $\gamma^{k+1} - \gamma^k = -(1-\gamma)\,\gamma^k$。方括号的含义很直白：多走一步，增加 $\epsilon_m'$，而旧策略的影响减少 $\gamma^k\epsilon_\pi$。**只要 $\epsilon_m' < \gamma^k\epsilon_\pi$，就继续走**。左边不变，右边随 $k$ 缩小，所以只有一个该停下的地方，即第一个满足 $\gamma^k\epsilon_\pi \le \epsilon_m'$ 的 $k$：
#
# $$k^* = \left\lceil \frac{\ln(\epsilon_m'/\epsilon_\pi)}{\ln\gamma} \right\rceil
#   \quad\text{若 } 0 < \epsilon_m' < \epsilon_\pi \text{ 且 } \gamma > 0.$$
#
# 边界情形由同一规则得出：
#
# - $\epsilon_m' \ge \epsilon_\pi$：第一步就不能使它变小，$k^* = 0$。$\epsilon_\pi = 0$ 也属于这种情形。
# - $\epsilon_m' = 0 < \epsilon_\pi$：每一步都使它变小，没有哪个有限的长度最好，$k^* = \infty$（$\gamma > 0$ 时）。
# - $\gamma = 0$：第一步之后就没有什么可以减少的了，所以 $\epsilon_m' < \epsilon_\pi$ 时 $k^* = 1$，否则为 0。
# - 并列 $\epsilon_m' = \gamma^j\epsilon_\pi$：从 $j$ 走到 $j+1$ 没有变化，两个长度同样好。

# %% tags=["nbval-check-output"] named="tried"
for gamma, eps_m_prime, eps_pi in ((0.9, 0.01, 0.1), (0.95, 0.02, 0.05), (0.99, 0.01, 0.1)):
    setting = {"gamma": gamma, "eps_m_prime": eps_m_prime, "eps_pi": eps_pi}
    tried = bounds.branched_penalty_on_policy(np.arange(1000), r_max=1.0, **setting)
    best = int(bounds.best_rollout_length(**setting))
    print(f"{tried.argmin():4d} {best:4d}  {tried[best] / (2 / (1 - gamma)):.2f}")

# %% [markdown] tags=["lang-en"]
# The best length by trying a thousand, by the formula, and the penalty there as a share of the trivial level
# $2 r_{\max}/(1-\gamma)$. In the third line the best length is 230{{tried[6] | .0f}}, and even there the penalty is 3.29{{tried[8] | .2f}} times the trivial level: the theorem says
# nothing.
#
# ### Exercise 05-2: the best length
#
# Return $k^*$ for given $\gamma$, $\epsilon_m'$ and $\epsilon_\pi$, edges included; `math.inf` where no finite length is
# best. For (0.9, 0.01, 0.1) it is 22. What is compared is the penalty at your $k$: at a tie either length is right.
#
# <details><summary>Hint</summary>
#
# Take the edges first, in the order $\epsilon_m' \ge \epsilon_\pi$, $\gamma = 0$, $\epsilon_m' = 0$. What remains is the
# formula; both logarithms are negative.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="a8dcabf0"
# 各列依次是：逐一尝试一千个长度找到的最好的一个、公式给出的，以及那里的惩罚项占平凡界 $2 r_{\max}/(1-\gamma)$ 的比例。第三行最好的长度是 230{{tried[6] | .0f}}，即使在那里，惩罚项也是平凡界的 3.29{{tried[8] | .2f}} 倍：定理不提供信息。
#
# ### 练习 05-2：最佳长度
#
# 给定 $\gamma$、$\epsilon_m'$ 和 $\epsilon_\pi$，返回 $k^*$，边界情形也要处理；没有有限的最佳长度时返回 `math.inf`。对 (0.9, 0.01, 0.1)，结果应为 22。检查时比较的是你的 $k$ 处的惩罚项：并列时两个长度都对。
#
# <details><summary>提示</summary>
#
# 先处理边界，依次是 $\epsilon_m' \ge \epsilon_\pi$、$\gamma = 0$、$\epsilon_m' = 0$。剩下的就是公式；两个对数都是负的。
#
# </details>

# %% mbpo={"exercise": "05-2", "role": "setup"}
import math

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "05-2", "role": "answer"}
def best_length(gamma: float, eps_m_prime: float, eps_pi: float) -> float:
    """Return k*, the length at which theorem 4.3's penalty is smallest."""
    ### BEGIN SOLUTION
    if eps_m_prime >= eps_pi:
        return 0
    if gamma == 0:
        return 1
    if eps_m_prime == 0:
        return math.inf
    return math.ceil(math.log(eps_m_prime / eps_pi) / math.log(gamma))
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "05-2", "role": "check"}
check("05-2", best_length)

# %% [markdown] tags=["lang-en"]
# ## First step: the two parts and $k^*$
#
# The blue area is the distribution shift, the orange one on top of it the model's part; the black line is their sum, and the
# triangle marks $k^*$. From the grey line on, the trivial level $2 r_{\max}/(1-\gamma)$, a bound says nothing, and the scale
# is logarithmic.
#
# **Predict.** Before you move anything: does $k^*$ rise or fall when $\epsilon_m'$ rises, when $\epsilon_\pi$ rises, when
# $\gamma$ rises?

# %% [markdown] tags=["lang-zh"] twin="04b2d6e2"
# ## 第一步：惩罚项的两部分与 $k^*$
#
# 蓝色部分是分布偏移，叠在上面的橙色部分属于模型误差；黑线是两者之和，三角标出 $k^*$。从平凡界 $2 r_{\max}/(1-\gamma)$ 那条灰线往上，界不提供信息，刻度改为对数。
#
# **先预测。** 动手之前先想一想：$\epsilon_m'$ 增大时 $k^*$ 是变大还是变小？$\epsilon_\pi$ 增大呢？$\gamma$ 增大呢？

# %% named="forces"
from mbpo_teach.widgets.branches import branches_lab, forces_lab

forces_lab()

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# At the start ($\gamma = 0.9$, $\epsilon_m' = 0.01$, $\epsilon_\pi = 0.1$) the penalty falls from 20 to
# 6.37{{forces[9] | .2f}} at $k^* = 22${{forces[8] | .0f}}, which is 0.32{{forces[10] | .2f}} of the trivial level, and rises
# again.
#
# - A larger $\epsilon_m'$ shortens the branch: at 0.05, $k^*$ is 7 and the penalty there 0.83 of the trivial level; from
#   $\epsilon_m' = 0.1 = \epsilon_\pi$ on, $k^* = 0$.
# - A larger $\epsilon_\pi$ lengthens it, to 33 at 0.3: the more the policy has changed, the less the old states are worth.
# - A larger $\gamma$ lengthens it too, but at $\gamma = 0.95$ the best penalty is already 0.65 of the trivial level, and at
#   0.99, $k^* = 230$ is beyond the picture, with a penalty of 3.29 times the trivial level.
#
# </details>
#
# ## What buys the guarantee
#
# Two things changed between chapter 04's $C$ and theorem 4.3: rollouts became branches, and $\epsilon_m$ became $\epsilon_m'$.
# Which of the two helps? Look at the proof once more.
#
# **A loose step.** At time $t$ at most $\min(t, k)$ imagined steps have been taken, so the model's part of the proof is
# $\sum_t \gamma^t \min(t, k)\,\epsilon_m'$. The proof replaces the sum by $k/(1-\gamma)$, as if the branch had its full
# length from the beginning. Its exact value is $\gamma(1-\gamma^k)/(1-\gamma)^2$. With it, and because the actions are
# $\pi$'s already for $k \ge 1$, the penalty that still holds is
#
# $$\text{tight}(k) = \frac{2 r_{\max}\,\gamma}{(1-\gamma)^2}\left[\gamma^k\,\epsilon_\pi + (1-\gamma^k)\,\epsilon_m'\right],
#   \qquad k \ge 1 .$$
#
# The bracket is a weighted mean of $\epsilon_\pi$ and $\epsilon_m'$, and the weight moves from the first to the second. So
# it goes one way only: down, if $\epsilon_m' < \epsilon_\pi$, for ever; up, if $\epsilon_m' > \epsilon_\pi$. **There is no inner minimum.** The one of
# theorem 4.3 is an artefact of the loose step.
#
# **No branch at all.** Let $k$ go to infinity: whole rollouts, imagined from the start, with the same $\epsilon_m'$. What
# remains is
#
# $$\lvert\eta[\pi] - \hat\eta[\pi]\rvert \;\le\; \frac{2 r_{\max}\,\gamma\,\epsilon_m'}{(1-\gamma)^2}.$$
#
# (Directly: after $t$ steps of one policy the laws of the imagined and the real state are at most $t\,\epsilon_m'$ apart, and
# $\sum_t \gamma^t\,t = \gamma/(1-\gamma)^2$.) *Whenever theorem 4.3 advises a branch, $k^* > 0$, this is below its penalty at
# every $k$* (for $\gamma > 0$; at $\gamma = 0$ both can be zero). For $k^* > 0$ means $\epsilon_m' < \epsilon_\pi$, and so theorem 4.3's bracket, times $(1-\gamma)^2$, is
#
# $$\gamma^k\epsilon_\pi + k(1-\gamma)\,\epsilon_m' \;\ge\; \epsilon_m'\,\bigl[\gamma^k + k(1-\gamma)\bigr]
#   \;\ge\; \epsilon_m' \;\ge\; \gamma\,\epsilon_m' .$$
#
# The second step is Bernoulli's inequality, $\gamma^k = (1 - (1-\gamma))^k \ge 1 - k(1-\gamma)$. That is the whole proof.
#
# So **$\epsilon_m'$, the model error measured on the current policy, buys the guarantee; branching does not.** With
# $\epsilon_m'$ known and below $\epsilon_\pi$, the smallest of these penalties is the one without branches. This comparison is ours; the paper does not make it.

# %% [markdown] tags=["lang-zh"] twin="43c7d803"
# <details><summary>看到了什么</summary>
#
# 起初（$\gamma = 0.9$，$\epsilon_m' = 0.01$，$\epsilon_\pi = 0.1$），惩罚项从 20 降到 $k^* = 22${{forces[8] | .0f}} 处的 6.37{{forces[9] | .2f}}，即平凡界的 0.32{{forces[10] | .2f}} 倍，然后回升。
#
# - $\epsilon_m'$ 越大，分支越短：0.05 时 $k^*$ 为 7，那里的惩罚项是平凡界的 0.83 倍；从 $\epsilon_m' = 0.1 = \epsilon_\pi$ 起，$k^* = 0$。
# - $\epsilon_\pi$ 越大，分支越长，0.3 时为 33：策略变得越多，旧的状态就越没有用处。
# - $\gamma$ 越大，分支也越长；但 $\gamma = 0.95$ 时最小的惩罚项已是平凡界的 0.65 倍，0.99 时 $k^* = 230$ 超出了图的范围，那里的惩罚项是平凡界的 3.29 倍。
#
# </details>
#
# ## 保证从何而来
#
# 从第 04 章的 $C$ 到定理 4.3，变了两样：推演换成了分支，$\epsilon_m$ 换成了 $\epsilon_m'$。起作用的是哪一样？再看一遍证明。
#
# **放得过松的一步。** 到时刻 $t$，至多想象了 $\min(t, k)$ 步，所以证明中属于模型的部分是 $\sum_t \gamma^t \min(t, k)\,\epsilon_m'$。证明把这个和换成了 $k/(1-\gamma)$，好像分支从一开始就走满了全长。它的精确值是 $\gamma(1-\gamma^k)/(1-\gamma)^2$。用上精确值，再注意到 $k \ge 1$ 时动作已经由 $\pi$ 给出，仍然成立的惩罚项是
#
# $$\text{tight}(k) = \frac{2 r_{\max}\,\gamma}{(1-\gamma)^2}\left[\gamma^k\,\epsilon_\pi + (1-\gamma^k)\,\epsilon_m'\right],
#   \qquad k \ge 1 .$$
#
# 方括号是 $\epsilon_\pi$ 与 $\epsilon_m'$ 的加权平均，权重从前者移向后者。所以它只朝一个方向变化：若 $\epsilon_m' < \epsilon_\pi$，就一直下降；若 $\epsilon_m' > \epsilon_\pi$，就一直上升。**内部没有极小值**。定理 4.3 的极小值，是那一步放得过松的产物。
#
# **完全不用分支。** 令 $k$ 趋于无穷，就是从初始状态一路想象的完整推演，用的还是同一个 $\epsilon_m'$。剩下的是
#
# $$\lvert\eta[\pi] - \hat\eta[\pi]\rvert \;\le\; \frac{2 r_{\max}\,\gamma\,\epsilon_m'}{(1-\gamma)^2}.$$
#
# （也可以直接证明：同一个策略走 $t$ 步之后，想象的状态与真实的状态的分布至多相距 $t\,\epsilon_m'$，而 $\sum_t \gamma^t\,t = \gamma/(1-\gamma)^2$。）*只要定理 4.3 建议分支，即 $k^* > 0$，它就小于定理 4.3 在任何 $k$ 处的惩罚项*（$\gamma > 0$ 时；$\gamma = 0$ 时两者可以都为零）。因为 $k^* > 0$ 意味着 $\epsilon_m' < \epsilon_\pi$，于是定理 4.3 的方括号乘以 $(1-\gamma)^2$ 之后是
#
# $$\gamma^k\epsilon_\pi + k(1-\gamma)\,\epsilon_m' \;\ge\; \epsilon_m'\,\bigl[\gamma^k + k(1-\gamma)\bigr]
#   \;\ge\; \epsilon_m' \;\ge\; \gamma\,\epsilon_m' .$$
#
# 第二步是伯努利不等式 $\gamma^k = (1 - (1-\gamma))^k \ge 1 - k(1-\gamma)$。证明到此结束。
#
# 所以，**带来保证的是 $\epsilon_m'$，即在当前策略下测得的模型误差，而不是分支**。知道了 $\epsilon_m'$，而它又小于 $\epsilon_\pi$ 时，这些惩罚项中最小的就是不分支的那个。这一比较是本课程做的，论文没有做。

# %% tags=["nbval-check-output"] named="tight"
setting = {"gamma": 0.9, "r_max": 1.0, "eps_m_prime": 0.01, "eps_pi": 0.1}
for k in (1, 5, 22, 50, 200):
    loose = bounds.branched_penalty_on_policy(k, **setting)
    print(f"{k:3d}  {loose:6.3f}  {bounds.branched_penalty_tight(k, **setting):6.3f}")
print(f"{bounds.whole_rollout_penalty(gamma=0.9, r_max=1.0, eps_m_prime=0.01):13.3f}")

# %% [markdown] tags=["lang-en"]
# Length, theorem 4.3's penalty, tight variant; below them the penalty of whole rollouts. The first column is smallest at 22, with
# 6.370{{tight[7] | .3f}}. The second falls towards 1.800{{tight[15] | .3f}}, which whole rollouts have at once.
#
# ## Second step: all bounds in one figure
#
# Two panels share the axis of $k$, and nothing else.
#
# - *Above*, a measurement: the compounding error $e(k)$ of chapter 03, in Hopper-v5, for the model of 10,000 transitions
#   there, with the spread of its members' predictions. It is a **proxy**: Hopper is deterministic, and the total variation
#   between a point and a Gaussian is 1, whatever the model. So it has its own axis and enters no theorem.
# - *Below*, in units of return: the two parts, their sum and $k^*$ as before. New are the green line of *whole rollouts with the
#   same $\epsilon_m'$*, towards which the dashed tight variant tends; theorem 4.2's penalty; and $C$ of theorem 4.1, a
#   horizontal line because it knows of no branches either. These last two know the model error under $\pi_D$ only.
#
# By hand you set $\epsilon_m$, $\epsilon_\pi$, $\gamma$ and the **slope** with which the model error grows as the policy
# moves away from its data, $\epsilon_m' = \epsilon_m + \epsilon_\pi \cdot d\epsilon_m'/d\epsilon_\pi$; more about it
# below. With the box ticked, the errors are measured instead, on the **tabular twin**: the pendulum cut into 49 states,
# where a model counted from $n$ transitions has an exact $\epsilon_m$ and $\epsilon_m'$. The data policy there mostly
# applies no torque. The sliders of the model errors then show what was measured and cannot be moved, and a red line is
# the exact gap $\lvert\eta - \eta_k\rvert$.
#
# **Predict.** Tick the box only after you have answered: where will the red line run, near the black one, at half its height, or
# at the bottom? And does the green line always lie below the black one?

# %% [markdown] tags=["lang-zh"] twin="9608dcf5"
# 各列依次是长度、定理 4.3 的惩罚项、更紧的惩罚项；最下面是完整推演的惩罚项。第一列在 22 处最小，为 6.370{{tight[7] | .3f}}；第二列一直下降，趋于 1.800{{tight[15] | .3f}}，完整推演一开始就在那里。
#
# ## 第二步：所有的界，一张图
#
# 上下两幅图共用 $k$ 轴，此外没有共用的东西。
#
# - *上图*是测量：第 03 章的复合误差 $e(k)$，环境是 Hopper-v5，模型就是那里用 10,000 条转移训练的那一个，旁边是各成员预测的分歧。它是**代理量**：Hopper 是确定性的，一个点与高斯分布之间的全变差距离总是 1，不论模型如何。所以它有自己的坐标轴，也不进入任何定理。
# - *下图*以回报为单位：两部分、它们的和以及 $k^*$，都与上一幅图相同。新加的是：绿色水平线，即*完整推演，用同一个 $\epsilon_m'$*，绿色虚线（更紧的惩罚项）趋向它；定理 4.2 的惩罚项；定理 4.1 的 $C$，它也不涉及分支，所以是一条水平线。后两者都只知道 $\pi_D$ 之下的模型误差。
#
# 手动时，由你设定 $\epsilon_m$、$\epsilon_\pi$、$\gamma$ 和**斜率**。斜率表示策略离开数据时模型误差增长得多快：$\epsilon_m' = \epsilon_m + \epsilon_\pi \cdot d\epsilon_m'/d\epsilon_\pi$，后文还会谈到。勾选方框之后，误差改为测量值，取自**表格型孪生**（tabular twin）：把摆切成 49 个状态，用 $n$ 条转移计数得到的模型在那里有精确的 $\epsilon_m$ 和 $\epsilon_m'$；收集数据的策略大多不施加力矩。这时模型误差的滑块只显示测得的值，不能移动；红线是精确的差距 $\lvert\eta - \eta_k\rvert$。
#
# **先预测。** 回答之后再勾选方框：红线会靠近黑线，在它的一半高度，还是贴着底边？绿线是不是总在黑线下方？

# %% named="both"
from mbpo_teach.records import archive

hopper = archive.load("errors_Hopper-v5").arrays
branches_lab(hopper, world="Hopper-v5", size=10_000)

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# At the start $C$ is 41.8{{both[17] | .1f}} and says nothing, and theorem 4.2's line begins at 24, in the grey, and only climbs.
# With the error measured on the current policy, theorem 4.3 has content: 6.37 at $k^* = 22$. Whole rollouts with the same
# $\epsilon_m'$ have 1.8{{both[11] | .1f}}, less than a third of it, at 0.09{{both[12] | .2f}} of the trivial level.
#
# - The green line lies below the black one wherever $k^* > 0$. Where $\epsilon_m' > \epsilon_\pi$ it can lie above: then
#   theorem 4.3 advises no model at all. (That is advice about the bound. What the exact returns say comes next.)
# - On the twin, with 1,000 or 3,000 transitions, $\epsilon_m'$ is above $\epsilon_\pi = 0.1$, $k^* = 0$, and the green line is
#   vacuous too. With 30,000 transitions $\epsilon_m'$ is 0.042 and $k^* = 9$, at 0.76 of the trivial level, whole rollouts at
#   0.38; with 100,000 it is 0.024 and $k^* = 14$, at 0.56, whole rollouts at 0.21.
# - The red line lies at the bottom. The exact gap is below one percent of theorem 4.3's penalty at every $k$ shown. The theorem must
#   hold in the worst world with these errors; the twin is not that world.
# - The measured error above rises nearly all along: in the median from 0.024 at $k = 1$ to 0.081{{both[20] | .3f}} at 5, 0.27 at 20 and
#   1.8 at 50. The members' spread is less than half of it up to $k = 10$. That $e(k)$ rises does *not* say that the model is
#   worse at imagined states: errors are handed on, and $e(k)$ grows at a constant one-step error too. Chapter 03's lab tells
#   the two apart; further down we do it exactly.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="4e1c0d3c"
# <details><summary>看到了什么</summary>
#
# 起初，$C$ 是 41.8{{both[17] | .1f}}，不提供信息；定理 4.2 的线从 24 起，一开始就在灰色区域里，而且只升不降。误差在当前策略下测得之后，定理 4.3 才有了内容：$k^* = 22$ 处为 6.37。完整推演用同一个 $\epsilon_m'$，惩罚项是 1.8{{both[11] | .1f}}，不到前者的三分之一，是平凡界的 0.09{{both[12] | .2f}} 倍。
#
# - 凡是 $k^* > 0$ 的地方，绿线都在黑线下方。$\epsilon_m' > \epsilon_\pi$ 时，绿线可能在上方：这时定理 4.3 建议完全不用模型。（这是就界而言的建议；精确的回报怎么说，见下一节。）
# - 在孪生上，用 1,000 或 3,000 条转移时，$\epsilon_m'$ 大于 $\epsilon_\pi = 0.1$，$k^* = 0$，绿线也是空洞的。用 30,000 条时，$\epsilon_m'$ 是 0.042，$k^* = 9$，惩罚项是平凡界的 0.76 倍，完整推演是 0.38 倍；用 100,000 条时，$\epsilon_m'$ 是 0.024，$k^* = 14$，为 0.56 倍，完整推演是 0.21 倍。
# - 红线贴着底边。在图中每个 $k$ 处，精确的差距都不到定理 4.3 惩罚项的百分之一。对误差相同的世界中最坏的那一个，定理也必须成立；孪生不是那个世界。
# - 上图测得的误差几乎一路上升：中位数在 $k = 1$ 处为 0.024，$k = 5$ 处 0.081{{both[20] | .3f}}，$k = 20$ 处 0.27，$k = 50$ 处 1.8。$k$ 不超过 10 时，成员的分歧不到它的一半。$e(k)$ 上升，*并不*说明模型在想象的状态处更差：误差会一步步传下去，即使单步误差不变，$e(k)$ 也会增长。第 03 章的交互实验把两者分开；下文则精确地做这件事。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## What $k^*$ leaves out
#
# $k^*$ is the best length *for a bound*, and the bound's inner minimum is an artefact. Two more limits belong to it.
#
# ### $\eta_k$ itself depends on $k$
#
# The theorem speaks of $\eta_k - \text{penalty}(k)$, and only the second part was minimised. On a table the branched
# return at every length is exact, so we can ask which $k$ is *truly* best: the one at which $\eta_k$ is closest to $\eta$.
# The lab is the river above; its sliders set exact quantities. With the box ticked the world is the pendulum's twin, with
# the same $\epsilon_m'$ and $\epsilon_\pi$.
#
# On the left is $\eta_k$, zoomed to its own range, with the three returns as horizontal lines. On the right are the exact gap and
# the penalties, whole rollouts' among them, as shares of the trivial level, on a logarithmic scale; the triangle marks $k^*$,
# the star the length at which the gap is smallest.
#
# **Predict.** At the start $k^* = 22$ for both worlds. Is the truly best length about the same, shorter or longer?

# %% [markdown] tags=["lang-zh"] twin="94c7b7f1"
# ## $k^*$ 没有考虑的事
#
# $k^*$ 是*对一个界而言*最好的长度，而这个界内部的极小值只是推导的产物。除此之外，它还有两条局限。
#
# ### $\eta_k$ 自己也随 $k$ 变化
#
# 定理说的是 $\eta_k - \text{penalty}(k)$，而我们只把后一半取了最小。在表格上，每个长度的分支推演回报都是精确的，于是可以问：*真正*最好的 $k$ 是哪个，也就是 $\eta_k$ 在哪里离 $\eta$ 最近？下面的交互实验就是上文的河，滑块设定的是精确的量。勾选方框，世界就换成摆的表格型孪生，$\epsilon_m'$ 和 $\epsilon_\pi$ 不变。
#
# 左图是 $\eta_k$，按它自身的范围放大，三条水平线是三个回报。右图是精确的差距和各个惩罚项（包括完整推演的）占平凡界的比例，对数刻度；三角标出 $k^*$，星号标出差距最小的长度。
#
# **先预测。** 起初两个世界的 $k^*$ 都是 22。真正最好的长度与它差不多，更短，还是更长？

# %% named="lengths"
from mbpo_teach.widgets.lengths import lengths_lab

lengths_lab()

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# The same errors, the same $k^* = 22${{lengths[7] | .0f}}, and the truly best lengths are 9{{lengths[9] | .0f}} on the river and beyond 100
# on the twin. On the river $\eta_k$ climbs past $\eta$ after nine steps and goes on to the model's promise; a long branch
# believes the hopeful model. On the twin the model errs without a direction, its mistakes nearly cancel in the return, and
# from ten steps on longer is always better, if only by a little after some thirty; before that the gap goes up and down. At $\epsilon_m' = 0.1$ the formula says
# $k^* = 0$ in both worlds, and in both a branch of two steps is far better than none.
#
# The gap is a hundredth of theorem 4.3's penalty or less at these settings. Nothing in $k^*$ could know the truly best length: it
# depends on *where* the model errs and in whose favour, and the theorem knows only how much.
#
# </details>
#
# ### The bound is often vacuous
#
# At $\gamma = 0.99$, $\epsilon_m' = 0.05$ and $\epsilon_\pi = 0.1$, which looks like a setting from a textbook, the smallest
# penalty of theorem 4.3 is 1689.7 at $k^* = 69$, and the trivial level 200. A minimum of a statement without content is no advice. Whole
# rollouts with the same $\epsilon_m'$ have 990, and that says nothing either.
#
# ## What branching does buy
#
# If not the guarantee, then what? Two things that no penalty here counts.
#
# **It reaches late states.** A whole rollout begins where episodes begin. To imagine what happens at step 500 it has to imagine
# the 499 steps before, with every error on the way. A branch begins at a state that was really met at step 500, and takes one
# step.
#
# **It limits exploitation.** The penalties use one number, $\epsilon_m'$: the largest expected error of a step where $\pi$ goes *in
# the true world*. But the learner trains on steps taken at *imagined* states. Call the expected one-step error there, after $j$
# imagined steps,
#
# $$\hat\epsilon(j) = \mathbb{E}_{\hat s_j,\,a\sim\pi}\,
#   D_{TV}\bigl(p(\cdot\mid \hat s_j, a)\,\|\,\hat p(\cdot\mid \hat s_j, a)\bigr).$$
#
# It is a quantity of its own. The theorems stay true whatever it does, since their proofs compare the two laws of the next state along
# true states only; $\epsilon_m'$ does not grow with $k$. But a policy that was improved *in the model* goes where the model promises much,
# and the model may promise much just where it is wrong: that is **exploitation** of the model.
#
# On the twin all this can be followed exactly. The twin's data policy, which is nearly idle, has collected $n$ transitions; $\pi$
# is the policy that is best *in the model* counted from them, as an agent would choose it. Branches start where the idle
# policy really goes; whole rollouts start where episodes do. Both are imagined with $\pi$.
#
# The maps show how likely each cell is: where branches start, where they are after $k$ steps, and where whole rollouts go
# (all their discounted visits); the darkest colour means 0.30 or more. Below is $\hat\epsilon(j)$ for both. A branch of $k$ steps
# ends at the dotted upright line and meets only what lies left of it. The green line is the error of *real* steps of $\pi$ from the same starts as the branches,
# and the dotted level is $\epsilon_m'$.
#
# **Predict.** With 1,000 transitions for 49 states and three actions: does the error that a branch meets stay as it is,
# rise by a few percent, or double? And with 100,000?

# %% [markdown] tags=["lang-zh"] twin="9a3e15d4"
# <details><summary>看到了什么</summary>
#
# 误差相同，$k^*$ 同为 22{{lengths[7] | .0f}}，真正最好的长度在河上是 9{{lengths[9] | .0f}}，在孪生上则超过 100。在河上，$\eta_k$ 走九步就越过了 $\eta$，继续升向模型回报：长的分支相信了乐观的模型。在孪生上，模型的错误没有方向，在回报里几乎互相抵消，所以从十步起越长越好，只是三十来步之后好得有限；十步以内，差距时升时降。$\epsilon_m' = 0.1$ 时，公式在两个世界都给出 $k^* = 0$，而在两个世界，走两步都远好于不分支。
#
# 在这些设置下，差距只有定理 4.3 惩罚项的百分之一，甚至更小。$k^*$ 不可能知道真正最好的长度：那取决于模型*在哪里*出错、错得对谁有利，而定理只知道错了多少。
#
# </details>
#
# ### 界常常是空洞的
#
# $\gamma = 0.99$、$\epsilon_m' = 0.05$、$\epsilon_\pi = 0.1$，看上去像教科书里的设置，定理 4.3 最小的惩罚项却是 $k^* = 69$ 处的 1689.7，而平凡界是 200。一个没有内容的界，它的最小值算不上建议。完整推演用同一个 $\epsilon_m'$，惩罚项是 990，同样不提供信息。
#
# ## 分支带来什么
#
# 分支带来的既然不是保证，那是什么？是这里的惩罚项都没有计入的两件事。
#
# **它够得着晚出现的状态。** 完整推演从回合的开头开始。要想象第 500 步发生什么，就得先想象前面的 499 步，一路带着误差。分支则从第 500 步真实到过的状态出发，只走一步。
#
# **它限制对模型的利用。** 惩罚项只用一个数 $\epsilon_m'$：$\pi$ 在*真实环境*中所到之处，单步误差期望的最大值。可是学习用的那些转移，是在*想象的*状态处走的。想象了 $j$ 步之后，那里的单步误差的期望记作
#
# $$\hat\epsilon(j) = \mathbb{E}_{\hat s_j,\,a\sim\pi}\,
#   D_{TV}\bigl(p(\cdot\mid \hat s_j, a)\,\|\,\hat p(\cdot\mid \hat s_j, a)\bigr).$$
#
# 它是另一个量。不论它怎样变化，定理都成立，因为证明是沿着真实的状态比较两个分布的；$\epsilon_m'$ 并不随 $k$ 增长。但是，*在模型里*改进的策略会走向模型预示高回报的地方，而那里可能恰恰是模型出错的地方：这就是对模型的**利用**（model exploitation）。
#
# 在孪生上，这一切可以精确地跟踪。几乎不施力的策略收集了 $n$ 条转移；$\pi$ 是在由此计数得到的*模型里*最好的策略，智能体也会这样选。分支从收集数据的策略真实到过的地方开始，完整推演从回合的初始状态开始，两者都用 $\pi$ 想象下去。
#
# 三幅小图画的是到达每个格子的概率：分支从哪里开始，走 $k$ 步之后在哪里，完整推演去了哪里（按折扣加权的全部访问）；颜色最深处表示 0.30 或更高。下图是两者的 $\hat\epsilon(j)$。$k$ 步的分支在竖直的点线处停下，只遇到线左边的误差。绿线是从同样的起点出发、用 $\pi$ *真实地*走时遇到的误差，水平的点线是 $\epsilon_m'$。
#
# **先预测。** 49 个状态、三个动作，只有 1,000 条转移：分支遇到的误差会保持不变、上升百分之几，还是翻倍？100,000 条呢？

# %% named="where"
from mbpo_teach.widgets.whereabouts import whereabouts_lab

whereabouts_lab()

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# Branches start all over the plane, since the real pendulum swings everywhere. With 1,000 transitions
# $\hat\epsilon(0)$ is 0.370{{where[6] | .3f}}; after five steps it is 0.54, after ten 0.631{{where[8] | .3f}}, in the end 0.69, almost
# double. A branch of $k = 5$ stops before that: its five steps meet $\hat\epsilon(0)$ to $\hat\epsilon(4)$, at most 0.51. Real steps of the same policy
# from the same starts meet 0.370{{where[14] | .3f}} to 0.405{{where[15] | .3f}} all along, and $\epsilon_m'$ is 0.418{{where[16] | .3f}}, one number: *what grows is
# the error at imagined states.*
#
# The middle map says why: after ten steps three quarters of all branches, 77 %{{where[4]/100 | .0%}}, sit in *one* cell beside the upright one. The
# model saw the action taken there once, and that one time the pendulum stayed; so it believes that the pendulum stays for
# ever, and the policy, which is best in the model, goes there. In truth it stays with chance 0.31.
#
# Whole rollouts end up in the same cell, and from the second step on they meet, at equal depth, almost the same error as branches. The depth is the difference: a
# branch is brought back to a real state every $k$ steps, a whole rollout never is. With $k = 1$ every imagined step starts
# from a real state, as in Dyna [2].
#
# With 100,000 transitions the curve of the branches stays between 0.037 and 0.043, like that of real steps. A long branch then meets hardly larger errors
# than a short one. *That* is the reason for the schedules at the end of this chapter: as long as data are few, short; longer, as the
# model gets better where the branches lead.
#
# </details>
#
# By how much does the model promise too much on the way? Take the same branches twice, once with the model's steps and once with
# true ones, and subtract the returns:

# %% [markdown] tags=["lang-zh"] twin="cfce15c6"
# <details><summary>看到了什么</summary>
#
# 分支的起点遍布平面，因为真实的摆到处都荡得到。用 1,000 条转移时，$\hat\epsilon(0)$ 是 0.370{{where[6] | .3f}}，五步之后 0.54，十步之后 0.631{{where[8] | .3f}}，最后 0.69，几乎翻倍。$k = 5$ 的分支在这之前就停了：它的五步遇到的是 $\hat\epsilon(0)$ 到 $\hat\epsilon(4)$，最多 0.51。同一个策略从同样的起点真实地走，遇到的误差始终在 0.370{{where[14] | .3f}} 与 0.405{{where[15] | .3f}} 之间，而 $\epsilon_m'$ 是 0.418{{where[16] | .3f}}，只是一个数：*增长的是想象的状态处的误差*。
#
# 中间的小图说明了原因：十步之后，四分之三的分支（77%{{where[4]/100 | .0%}}）都待在靠近顶端的*一个*格子里。那里的那个动作，模型只见过一次，而那一次摆恰好留在原处；于是模型相信摆会永远留在那里，在模型里最好的策略便奔那里而去。其实留下的概率是 0.31。
#
# 完整推演最后也到了同一个格子；从第二步起，深度相同时，它遇到的误差与分支几乎一样。差别在于深度：分支每 $k$ 步就回到真实的状态，完整推演却从不回去。$k = 1$ 时，想象的每一步都从真实的状态出发，Dyna [2] 就是如此。
#
# 用 100,000 条转移时，分支的曲线始终在 0.037 与 0.043 之间，与真实地走差不多。这时长分支遇到的误差几乎不比短分支大。*这*才是本章末尾那些调度的理由：数据少的时候，分支要短；等到模型在分支所到之处变准了，再放长。
#
# </details>
#
# 一路上，模型多承诺了多少？让同样的分支走两遍，一遍用模型，一遍用真实的环境动态，把两个回报相减：

# %% tags=["nbval-check-output"] named="promised"
from mbpo_teach.theory import cases

for count in (1_000, 100_000):
    case = cases.best_in_model(cases.twin_case(count=count, eps_pi=0.0, gamma=0.9))
    imagined = exact.branched_returns(*case, max_length=40)
    lived = exact.branched_returns(*case._replace(model=case.world.transition), max_length=40)
    print(f"{count:7,d}", *(f"{imagined[k] - lived[k]:6.3f}" for k in (1, 2, 5, 10, 40)))
    true_return = mdp.exact_return(case.world, case.policy)
    print(f"{imagined[40]:7.3f}  {true_return:.3f}  {mdp.best_return(case.world):.3f}")

# %% [markdown] tags=["lang-en"]
# Transitions; imagined minus true return of the same branches, for $k = 1, 2, 5, 10, 40$. In the second line $\eta_{40}$, the true
# return $\eta$, and the best return that any policy has; then the same for the larger number of transitions. With 1,000
# transitions one step promises 0.186{{promised[1] | .3f}} too much, five 1.010{{promised[3] | .3f}}, and forty
# 1.424{{promised[5] | .3f}}: a return of $-1.764${{promised[6] | .3f}}, where the truth is $-3.188${{promised[7] | .3f}} and no policy
# can have more than $-2.736${{promised[8] | .3f}}. Learning on long branches would reward the policy for the model's mistakes; a
# branch of one step leaves it an eighth of that to gain, one of five steps already 70 %. With 100,000 transitions even forty steps promise only
# 0.026{{promised[14] | .3f}} too much.
#
# The paper's own ablation of $k$ on Hopper (its section 6.2) fits: $k = 1$ keeps much of the benefit, 200 steps do worse, and 500 fail.
#
# ## The slope $d\epsilon_m'/d\epsilon_\pi$
#
# How large is $\epsilon_m'$, now that it carries the guarantee? The paper measures it by policies (its figure 1): train a model on
# one policy's data, evaluate it on
# policies moved away step by step. On the twin the measurement is exact. The policy moves from the idle one towards the
# twin's best one, and with it $\epsilon_m'$.
#
# On the left is $\epsilon_m'$ against the policy shift, one line for each number of transitions, mean of three walks; at zero
# shift it is $\epsilon_m$. On the right is the slope against the number of transitions, with the range over the walks.
#
# **Predict.** Is the curve straight? By what factor does its slope fall for a hundred times the data?

# %% [markdown] tags=["lang-zh"] twin="d1f09dce"
# 各列依次是转移数，以及 $k = 1, 2, 5, 10, 40$ 时同样的分支用模型走与真实地走的回报之差；第二行是 $\eta_{40}$、真实回报 $\eta$ 和一切策略中的最高回报；然后是转移数更多的情形。用 1,000 条转移时，走一步多承诺 0.186{{promised[1] | .3f}}，五步多承诺 1.010{{promised[3] | .3f}}，四十步多承诺 1.424{{promised[5] | .3f}}：回报是 $-1.764${{promised[6] | .3f}}，而真实的是 $-3.188${{promised[7] | .3f}}，任何策略也达不到 $-2.736${{promised[8] | .3f}} 以上。用长的分支来学习，就是奖励策略去利用模型的错误；只走一步的分支，使它能从中得到的只有八分之一，走五步就已经有七成。用 100,000 条转移时，四十步也只多承诺 0.026{{promised[14] | .3f}}。
#
# 论文自己在 Hopper 上对 $k$ 的消融实验（6.2 节）与此相符：$k = 1$ 保留了不少好处，200 步就变差，500 步则失败。
#
# ## 斜率 $d\epsilon_m'/d\epsilon_\pi$
#
# 既然保证靠的是 $\epsilon_m'$，它有多大？论文从策略的角度测量它（论文图 1）：用一个策略的数据训练模型，再让策略一步步离开，看模型在新策略下的误差。在孪生上，这一测量是精确的。策略从几乎不施力的那个移向孪生中最好的那个，$\epsilon_m'$ 随之变化。
#
# 左图是 $\epsilon_m'$ 随策略偏移的变化，每个转移数一条线，是三次行走的平均；偏移为零时就是 $\epsilon_m$。右图是斜率随转移数的变化，色带是三次行走的范围。
#
# **先预测。** 曲线是直的吗？数据多一百倍，斜率会缩小到几分之一？

# %% named="slope"
from mbpo_teach.widgets.shift import shift_lab

shift_lab()

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# The lines are very nearly straight: $\epsilon_m' \approx \epsilon_m + \epsilon_\pi \cdot
# d\epsilon_m'/d\epsilon_\pi$ is a good description, as in the paper. The slope falls from 0.285{{slope[4] | .3f}} with 1,000 transitions to
# 0.026 with 100,000, to a little less than a tenth; $1/\sqrt n$ would give exactly a tenth. Theorem 4.2 counts
# $\epsilon_m + 2\epsilon_\pi$, a slope of 2. Here lies the gap between the two theorems, and the reason to measure.
#
# </details>
#
# ## Policy updates that are accepted
#
# A guarantee built on $\epsilon_m'$ can do what theorem 4.1 never could. If $\eta_k[\pi] - \text{penalty}(k) > \eta[\pi_D]$ for some $k$, then
# $\eta[\pi] > \eta[\pi_D]$: the update from $\pi_D$ to $\pi$ is safe. Make it, let the new policy collect data, count the
# model again, repeat. As long as only such updates are made, **the true return never drops**. The same holds for whole rollouts,
# with $\hat\eta[\pi] - 2 r_{\max}\gamma\,\epsilon_m'/(1-\gamma)^2 > \eta[\pi_D]$.
#
# The lab does both on the river, starting from left or right with equal chance. In each round $n$ transitions are added.
# The candidates lie between the present policy and the one that is greedy in the model, no further away than the
# largest shift; the candidate with the highest guarantee (and for theorem 4.3 the best $k$) is offered. Only a table allows this test: it needs
# the exact $\epsilon_m'$ and the exact $\eta[\pi_D]$.
#
# Left is the learner who trusts theorem 4.3, right the one who trusts whole rollouts. The blue steps are the true return of $\pi_D$, as a share of the best return there is. In each round an orange bar stands
# at the imagined return of the offer, and below it the guarantee: a green triangle where it lies above the true
# return and is accepted, a red cross where it is refused. Guarantees below the picture are drawn at its lower edge.
#
# **Predict.** Which learner is more often accepted, the left or the right? And who gets further by theorem 4.3, one who takes small steps or one who takes large ones?

# %% [markdown] tags=["lang-zh"] twin="b82c7ff6"
# <details><summary>看到了什么</summary>
#
# 这些线非常接近直线：与论文一样，$\epsilon_m' \approx \epsilon_m + \epsilon_\pi \cdot d\epsilon_m'/d\epsilon_\pi$ 是很好的描述。斜率从 1,000 条转移时的 0.285{{slope[4] | .3f}} 降到 100,000 条时的 0.026，略小于十分之一，与 $1/\sqrt n$ 大致相符。定理 4.2 计入的是 $\epsilon_m + 2\epsilon_\pi$，相当于斜率为 2。两个定理的差别就在这里，这也是要去测量的理由。
#
# </details>
#
# ## 被接受的策略更新
#
# 定理 4.1 从来做不到的事，建立在 $\epsilon_m'$ 上的保证能做到。只要有某个 $k$ 使 $\eta_k[\pi] - \text{penalty}(k) > \eta[\pi_D]$，就有 $\eta[\pi] > \eta[\pi_D]$：从 $\pi_D$ 到 $\pi$ 的更新是安全的。做这次更新，让新策略去收集数据，重新计数得到模型，如此反复。只要做的都是这样的更新，**真实回报就从不下降**。完整推演也一样，条件是 $\hat\eta[\pi] - 2 r_{\max}\gamma\,\epsilon_m'/(1-\gamma)^2 > \eta[\pi_D]$。
#
# 下面的交互实验在河上把两种都做一遍，最初的策略以相同的概率选左或选右。每一轮增加 $n$ 条转移。候选策略介于当前策略与模型中的贪心策略之间，离当前策略不超过所设的最大偏移；提出来的是保证值最高的候选策略（用定理 4.3 时还有最好的 $k$）。只有表格才允许做这样的检验：它需要精确的 $\epsilon_m'$ 和精确的 $\eta[\pi_D]$。
#
# 左图的学习器依据定理 4.3，右图的依据完整推演。蓝色阶梯是 $\pi_D$ 的真实回报占最高回报的比例。每一轮，橙色短横是候选策略的想象回报，它下面是保证值：高于真实回报、被接受的画绿色三角，被拒绝的画红叉。低出图外的保证值画在下边缘。
#
# **先预测。** 左边和右边的学习器，谁更常被接受？依据定理 4.3，每次更新幅度小的和幅度大的，谁走得更远？

# %% named="climb"
from mbpo_teach.widgets.climb import climb_lab

climb_lab()

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# At the start theorem 4.3 accepts 7{{climb[2] | .0f}} of twelve offers, with branches of 8{{climb[6] | .0f}} to 10{{climb[7] | .0f}} steps, and whole rollouts accept
# 7{{climb[9] | .0f}} too, in fewer rounds. Both climb from 0.30{{climb[3]*climb[5]/100/climb[4] | .2f}} to 1.00 of the best. The true return never drops, at any setting of the
# sliders, on either side.
#
# - *With less data the right side is far ahead.* With 100,000 transitions a round theorem 4.3 accepts two offers and ends at 0.81, whole
#   rollouts seven, up to 1.00; with 10,000 two against six (0.81 against 0.98); with 1,000 none against two. Over all 200 settings of
#   the sliders theorem 4.3 accepts 415 offers, whole rollouts 1,034, and in no setting fewer. (In one setting, $\gamma = 0.1$ with 1,000 transitions and shifts of 0.2, they accept more
#   offers and end lower all the same, at 0.97 against 1.00: the offer with the highest guarantee is not always the best policy.)
# - *Steps that are too small are refused.* With shifts of at most 0.02 theorem 4.3 accepts nothing here, with 0.05 eight offers, up to
#   0.81; with 0.5 the very first step reaches 0.999 of the best return, and nearly nothing is left to gain. The gain and the distribution shift both shrink with the step; the model's part,
#   $2 r_{\max} k\,\epsilon_m'/(1-\gamma)$, does not. But much of this is the loose $k/(1-\gamma)$: without branches twelve of twelve
#   steps of 0.02 are accepted.
# - A larger $\gamma$ needs better models. At 0.9, with a million transitions a round, theorem 4.3 accepts only the boldest
#   learner; whole rollouts accept shifts from 0.05 on.
#
# </details>
#
# "Monotonic improvement" thus is a real promise here, not only a true sentence, and it is $\epsilon_m'$ that makes it. MBPO does not make this test.
# It takes from the
# theory the shape of the algorithm, branches of limited length from real states, and chooses $k$ by experiment.

# %% [markdown] tags=["lang-zh"] twin="dd5190e8"
# <details><summary>看到了什么</summary>
#
# 起初，定理 4.3 接受十二个候选策略中的 7{{climb[2] | .0f}} 个，分支长 8{{climb[6] | .0f}} 到 10{{climb[7] | .0f}} 步；完整推演也接受 7{{climb[9] | .0f}} 个，用的轮次更少。两者的真实回报都从最高回报的 0.30{{climb[3]*climb[5]/100/climb[4] | .2f}} 升到 1.00。无论滑块怎样设置，两边的真实回报都从不下降。
#
# - *数据少的时候，右边遥遥领先*。每轮 100,000 条转移时，定理 4.3 接受两个，停在 0.81，完整推演接受七个，达到 1.00；10,000 条时是两个对六个（0.81 对 0.98）；1,000 条时是零个对两个。在滑块的全部 200 种设置中，定理 4.3 共接受 415 个，完整推演 1,034 个，没有一种设置更少。（有一种设置，即 $\gamma = 0.1$、1,000 条转移、偏移 0.2，完整推演接受得更多，最后却更低，是 0.97 对 1.00：保证值最高的候选策略，不一定是最好的策略。）
# - *幅度太小的更新会被拒绝*。最大偏移为 0.02 时，定理 4.3 在这里什么也不接受；为 0.05 时接受八个，达到 0.81；为 0.5 时，第一次更新就达到最高回报的 0.999，此后几乎没有什么可提升的了。更新的幅度变小，增益和分布偏移那一部分都跟着变小，而模型的那一部分 $2 r_{\max} k\,\epsilon_m'/(1-\gamma)$ 不变。但这在很大程度上要归因于放得过松的 $k/(1-\gamma)$：不分支时，幅度为 0.02 的十二次更新全部被接受。
# - $\gamma$ 越大，模型就要越好。$\gamma = 0.9$ 时，即使每轮有一百万条转移，定理 4.3 也只接受最大胆的学习器；完整推演从偏移 0.05 起就接受。
#
# </details>
#
# 所以“单调提升”在这里是一个真实的保证，而不只是一句正确的话；带来它的是 $\epsilon_m'$。MBPO 并不做这个检验。它从理论中取来的是算法的形状，即从真实状态出发、长度有限的分支；$k$ 则靠实验来选。

# %% [markdown] tags=["lang-en"]
# ## A branched rollout in code
#
# [`mbpo_teach/model/rollout.py`](../../mbpo_teach/model/rollout.py) walks many branches at once. Model, policy and termination rule are
# functions, so the true simulator can stand in for the model. Then a branched rollout must be nothing but real steps,
# which tests the code without trusting any network. We use Hopper and the linear policy of chapter 03's record: put the
# simulator into each state, take the step, and compare with rollouts that the simulator makes by itself.

# %% [markdown] tags=["lang-zh"] twin="38c94f2a"
# ## 写成代码的分支推演
#
# [`mbpo_teach/model/rollout.py`](../../mbpo_teach/model/rollout.py) 同时走许多条分支。模型、策略和终止规则都是函数，所以可以让真实的仿真器顶替模型。这时分支推演就应当只是一串真实的转移，不必信任任何网络，代码就得到了检验。我们用 Hopper 和第 03 章记录里的线性策略：把仿真器放进每个状态，走一步，再与仿真器自己走出来的轨迹比较。

# %%
import torch

from mbpo_teach.ground.seeding import generator
from mbpo_teach.model import errors, rollout
from mbpo_teach.world import envs, simulator, terminations

env = envs.make("Hopper-v5")
weights = torch.tensor(hopper["weights"]).float()


def linear(obs, step=0):
    return (obs @ weights[:, :-1].T + weights[:, -1]).clamp(-1, 1)


def simulator_step(obs, act):
    steps = []
    for one_obs, one_act in zip(obs, act, strict=True):
        simulator.set_from_obs(env, one_obs.numpy())
        steps.append(env.step(one_act.numpy()))
    rewards = torch.tensor([step.reward for step in steps])
    return torch.tensor(np.stack([step.obs for step in steps])), rewards


# %% tags=["nbval-check-output"]
states = errors.visited_states(env, count=8, every=9, rng=generator(5, "states"))
real, _ = errors.real_rollouts(env, states, linear, steps=6)
ends = terminations.termination_of("Hopper-v5")
found = rollout.branched_rollout(simulator_step, linear, ends, real[:, 0], length=6)
for step in range(1, 7):
    reached = found.transitions.next_obs[found.step == step]
    lived = real[:, step][~real[:, step].isnan().any(dim=1)]
    print(step, len(reached) == len(lived), bool((reached - lived).abs().max() < 5e-3))

# %% [markdown] tags=["lang-en"]
# For each branch step: there are as many imagined transitions as real rollouts that were still going, and the states agree.
# (Not to the last digit: between two steps the branch keeps only the observation, rounded to single precision.) Each row knows
# its place in its branch, and a branch that has ended stops.
#
# A model has no such rule built in. It predicts the next observation and would go on imagining a robot that has long fallen;
# MBPO therefore uses the environment's own termination function;
# [`mbpo_teach/world/terminations.py`](../../mbpo_teach/world/terminations.py) holds those of the course's environments.
#
# ### Exercise 05-3: a branched rollout
#
# Write it in NumPy. `starts` has shape (start, obs); `policy(obs)` gives actions, `model_step(obs, act)` next observations
# and rewards, `has_ended(next_obs)` booleans. Return five arrays with one row per imagined transition: observations,
# rewards, next observations, ended, and the branch step from 1 to `length`; ordered by branch step, and within a step by
# start. The transition that ends a branch is its last one and is kept.
#
# <details><summary>Hint</summary>
#
# Keep the states of the branches that are still going in one array, and make it shorter with `next_obs[~ended]`. The
# policy is asked about these states.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="fd3b6068"
# 分支的每一步：想象的转移数等于仍在进行的真实轨迹数，状态也一致。（不会一致到最后一位：两步之间，分支只保留舍入成单精度的观测。）每一行都知道自己是分支的第几步；已经结束的分支就此停下。
#
# 模型自己没有这样的规则。它只预测下一个观测，机器人早就倒了，它还会接着想象下去；所以 MBPO 使用环境自己的终止函数，本课程各环境的终止函数在 [`mbpo_teach/world/terminations.py`](../../mbpo_teach/world/terminations.py) 里。
#
# ### 练习 05-3：分支推演
#
# 用 NumPy 写出来。`starts` 的形状是（起点，观测）；`policy(obs)` 给出动作，`model_step(obs, act)` 给出下一个观测和奖励，`has_ended(next_obs)` 给出布尔值。返回五个数组，每条想象的转移一行：观测、奖励、下一个观测、是否结束、分支的第几步（从 1 到 `length`）；先按分支步数排，同一步内按起点排。使分支结束的那条转移是它的最后一条，要保留。
#
# <details><summary>提示</summary>
#
# 用一个数组保存仍在进行的分支的状态，用 `next_obs[~ended]` 使它变短。交给策略的就是这些状态。
#
# </details>

# %% mbpo={"exercise": "05-3", "role": "setup"}
import numpy as np

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "05-3", "role": "answer"}
def branched_rollout(starts, policy, model_step, has_ended, length):
    """Return obs, reward, next_obs, ended and step of all imagined transitions."""
    ### BEGIN SOLUTION
    rows, obs = [], starts
    for step in range(1, length + 1):
        next_obs, reward = model_step(obs, policy(obs))
        ended = has_ended(next_obs)
        rows.append((obs, reward, next_obs, ended, np.full(len(obs), step)))
        obs = next_obs[~ended]
        if len(obs) == 0:
            break
    return tuple(np.concatenate(column) for column in zip(*rows, strict=True))
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours. Then read ours:
# [`mbpo_teach/model/rollout.py`](../../mbpo_teach/model/rollout.py).

# %% [markdown] tags=["lang-zh"] twin="c286bdd2"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。然后读一读我们的写法：[`mbpo_teach/model/rollout.py`](../../mbpo_teach/model/rollout.py)。

# %% mbpo={"exercise": "05-3", "role": "check"}
check("05-3", branched_rollout)

# %% [markdown] tags=["lang-en"]
# ## A schedule for $k$
#
# The model gets better while the agent learns, so the length may grow. In the paper's Hopper runs (appendix C) $k$ rises
# linearly from 1 at 20,000 real steps to 15 at 100,000 (the authors' published configuration says 150,000); fractions
# are cut off. Some other environments keep $k = 1$ throughout.
#
# A schedule is worth nothing if it does not reach the rollout, and nothing fails visibly when it does not. So count: branches that do not end must give $k$ transitions per start.

# %% [markdown] tags=["lang-zh"] twin="3936a3ea"
# ## $k$ 的调度（schedule）
#
# 智能体学习的同时，模型也在变好，所以长度可以增长。论文附录 C 在 Hopper 上让 $k$ 线性增长，从 20,000 步真实交互时的 1 到 100,000 步时的 15（作者公布的配置写的是 150,000 步），小数部分舍去；在另一些环境里，$k$ 始终为 1。
#
# 推演长度的调度如果没有用到推演上，就毫无价值，而且不会报出任何错误。所以要数一数：不结束的分支，每个起点必须给出 $k$ 条转移。

# %% tags=["nbval-check-output"]
hopper_paper = {"first_step": 20_000, "last_step": 100_000, "first": 1, "last": 15}
starts = torch.zeros(10, 1)
for step in (0, 20_000, 40_000, 60_000, 99_999, 100_000, 500_000):
    k = rollout.linear_horizon(step, **hopper_paper)
    drift = rollout.branched_rollout(
        lambda obs, act: (obs + 1, obs[:, 0]), torch.tanh, terminations.never, starts, length=k
    )
    print(f"{step:7,d}  {k:2d}  {len(drift.step) // len(starts):2d}")

# %% [markdown] tags=["lang-en"]
# Real steps, the schedule's $k$, and imagined transitions per start.
#
# ### Exercise 05-4: the schedule
#
# Return the length at real step `step`: `first` up to `first_step`, then linearly on to `last` at `last_step`, and `last`
# from there on; a whole number, fractions cut off. For (60000, 20000, 100000, 1, 15) it is 8.
#
# <details><summary>Hint</summary>
#
# How many of the steps between the two ends are done? Keep that number between none and all before you use it. With
# whole numbers, `//` cuts off the fraction; a float may land just below a whole number and lose one.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="1c6e651e"
# 各列依次是真实步数、调度给出的 $k$、每个起点的想象转移数。
#
# ### 练习 05-4：推演长度的调度
#
# 返回真实步数为 `step` 时的长度：到 `first_step` 为止是 `first`，然后线性增长，在 `last_step` 处达到 `last`，此后保持不变；结果是整数，小数部分舍去。对 (60000, 20000, 100000, 1, 15)，结果应为 8。
#
# <details><summary>提示</summary>
#
# 两端之间的步数已经走了多少？先把它限制在零与全部之间，再使用。用整数计算时，`//` 会舍去小数部分；浮点数则可能略小于某个整数，舍去之后就少了一。
#
# </details>

# %% mbpo={"exercise": "05-4", "role": "setup"}
from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "05-4", "role": "answer"}
def rollout_length(step: int, first_step: int, last_step: int, first: int, last: int) -> int:
    """Return k at a real step."""
    ### BEGIN SOLUTION
    done = min(max(step, first_step), last_step) - first_step
    return first + done * (last - first) // (last_step - first_step)
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "05-4", "role": "check"}
check("05-4", rollout_length)

# %% [markdown] tags=["lang-en"]
# ## Quiz
#
# **1. A branch of $k$ steps is about to take one more. Which two numbers decide, according to theorem 4.3?**
#
# <details><summary>Answer</summary>
#
# $\epsilon_m'$, the error of one more imagined step, and $\gamma^k\epsilon_\pi$, what is left of the old policy's influence.
# The step makes the penalty smaller as long as the first is the smaller one.
#
# </details>
#
# **2. A colleague measures $e(5) = 0.08$ on Hopper, puts it into theorem 4.3 as $\epsilon_m'$, and gets $k^* = 3$ at
# $\gamma = 0.9$, $\epsilon_\pi = 0.1$. What is wrong?**
#
# <details><summary>Answer</summary>
#
# $e(5)$ is a normalised distance after five steps, a proxy; $\epsilon_m'$ is a total variation of one step. On a
# deterministic simulator the latter is 1 for every Gaussian model. The arithmetic is right, $\lceil \ln 0.8/\ln 0.9 \rceil
# = 3$, and means nothing.
#
# </details>
#
# **3. Somebody sharpens the proof, obtains the tight variant, and finds no best $k$. Does that refute short branches?**
#
# <details><summary>Answer</summary>
#
# No. It refutes the reason, not the advice. The tight variant holds, with its one number $\epsilon_m'$, whatever happens
# at imagined states; with $\epsilon_m'$ known and below $\epsilon_\pi$, whole rollouts have the smallest penalty of all.
# The reason for short branches lies outside the bound. The policy learns from imagined states, and there the one-step error
# $\hat\epsilon(j)$ grows: in the twin from 0.37 to 0.69 when data are few, while real steps meet 0.37 to 0.40.
#
# </details>
#
# **4. $\epsilon_m' = 0$: is every branch then safe?**
#
# <details><summary>Answer</summary>
#
# What remains of the penalty is the distribution shift, and the longer the branch, the smaller it is. As $k$ grows the
# penalty vanishes and $\eta_k$ becomes $\hat\eta = \eta$; whole rollouts have no penalty at all. But nobody has a perfect
# model, and at small $k$ the distribution shift can be vacuous all the same.
#
# </details>
#
# **5. In the last lab theorem 4.3 refused a small step and accepted a large one. Why, if both go in the same direction?**
#
# <details><summary>Answer</summary>
#
# Gain and distribution shift grow with the step, nearly in proportion; the model's part $2 r_{\max} k\,\epsilon_m'/(1-\gamma)$
# does not. Only the large step gains more than that. Whole rollouts have such a fixed part too,
# $2 r_{\max}\gamma\,\epsilon_m'/(1-\gamma)^2$; it is smaller, and there the small steps were accepted.
#
# </details>
#
# **6. "Theorem 4.3 turns an empty statement into one with content, so branching gives the guarantee." What is wrong?**
#
# <details><summary>Answer</summary>
#
# Two things changed between theorems 4.1 and 4.3, and the other one did it: the error is measured on the current policy.
# Whole rollouts with the same $\epsilon_m'$ have a smaller penalty than theorem 4.3 at every $k$, whenever it advises a
# branch. Branching limits exploitation and reaches late states.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="160eb457"
# ## 小测
#
# **1. 一条走了 $k$ 步的分支要不要再走一步？按定理 4.3，由哪两个数决定？**
#
# <details><summary>答案</summary>
#
# $\epsilon_m'$，即再想象一步的误差；以及 $\gamma^k\epsilon_\pi$，即旧策略剩下的影响。只要前者较小，多走这一步就使惩罚项变小。
#
# </details>
#
# **2. 同事在 Hopper 上测得 $e(5) = 0.08$，把它当作 $\epsilon_m'$ 代入定理 4.3，在 $\gamma = 0.9$、$\epsilon_\pi = 0.1$ 下得到 $k^* = 3$。错在哪里？**
#
# <details><summary>答案</summary>
#
# $e(5)$ 是五步之后归一化的距离，是代理量；$\epsilon_m'$ 是单步的全变差距离。在确定性的仿真器上，对任何高斯模型，后者都等于 1。算术没有错，$\lceil \ln 0.8/\ln 0.9 \rceil = 3$，但没有意义。
#
# </details>
#
# **3. 有人把证明收紧，得到更紧的惩罚项，却找不到最好的 $k$。这是不是推翻了短分支？**
#
# <details><summary>答案</summary>
#
# 没有。推翻的是理由，不是建议。更紧的惩罚项只用 $\epsilon_m'$ 这一个数，不论想象的状态处发生什么，它都成立；知道 $\epsilon_m'$ 而它又小于 $\epsilon_\pi$ 时，完整推演的惩罚项最小。短分支的理由在界之外：策略从想象的状态学习，那里的单步误差 $\hat\epsilon(j)$ 会增长。在孪生上，数据少的时候，它从 0.37 升到 0.69，而真实地走，误差是 0.37 到 0.40。
#
# </details>
#
# **4. $\epsilon_m' = 0$ 时，是不是怎样分支都安全？**
#
# <details><summary>答案</summary>
#
# 这时惩罚项只剩分布偏移，分支越长，它越小。$k$ 增大时，惩罚项趋于零，$\eta_k$ 趋于 $\hat\eta = \eta$；完整推演则完全没有惩罚项。但谁也没有完美的模型；而且 $k$ 小的时候，只有分布偏移的界照样可以是空洞的。
#
# </details>
#
# **5. 在最后一个交互实验里，定理 4.3 拒绝了幅度小的更新，却接受了幅度大的。既然方向相同，这是为什么？**
#
# <details><summary>答案</summary>
#
# 增益和分布偏移都大致与更新的幅度成正比，模型的那一部分 $2 r_{\max} k\,\epsilon_m'/(1-\gamma)$ 则不然。只有幅度大的更新，增益才超过它。完整推演也有这样一个固定的部分 $2 r_{\max}\gamma\,\epsilon_m'/(1-\gamma)^2$，但它较小，幅度小的更新在那里被接受了。
#
# </details>
#
# **6. “定理 4.3 使一个空洞的界有了内容，所以带来保证的是分支。”错在哪里？**
#
# <details><summary>答案</summary>
#
# 从定理 4.1 到定理 4.3 变了两样，起作用的是另一样：误差改在当前策略下测量。只要定理 4.3 建议分支，完整推演用同一个 $\epsilon_m'$，惩罚项就小于它在任何 $k$ 处的惩罚项。分支的作用是限制对模型的利用，并且够得着晚出现的状态。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Take-aways
#
# - A branched rollout starts from states really visited and takes $k$ imagined steps. $\eta_k$ goes from the old policy's true
#   return at $k = 0$ to the new policy's model return.
# - Theorem 4.3: $\eta \ge \eta_k - 2 r_{\max}[\gamma^k\epsilon_\pi/(1-\gamma)^2 + k\,\epsilon_m'/(1-\gamma)]$. Go on as long
#   as $\epsilon_m' < \gamma^k\epsilon_\pi$.
# - $k^*$ is that bound's advice, not a reason for short branches: its inner minimum comes from a loose step, the bound is
#   often vacuous, and $\eta_k$ depends on $k$ too.
# - $\epsilon_m'$, measured on the current policy, buys the guarantee: whole rollouts with it have the smaller penalty,
#   $2 r_{\max}\gamma\,\epsilon_m'/(1-\gamma)^2$, whenever $k^* > 0$.
# - Branching buys something else. It limits exploitation, since the one-step error at imagined states, $\hat\epsilon(j)$,
#   grows as they leave the data; and it reaches late states.
# - Exact errors are put into theorems, proxies are not.
# - With $\epsilon_m'$ policy updates can be accepted, and then the true return never drops. In practice $k$ is chosen by experiment, small at first.
#
# ## References
#
# 1. M. Janner, J. Fu, M. Zhang, S. Levine. *When to Trust Your Model: Model-Based Policy Optimization.* NeurIPS 2019,
#    [arXiv 1906.08253](https://arxiv.org/abs/1906.08253). Theorems 4.2 and 4.3 in sections 4.2 and 4.3, proofs in appendix
#    A, lemma B.4 in appendix B; figure 1 for the slope; the ablation of $k$ in section 6.2; schedules in appendix C.
# 2. R. Sutton. *Dyna, an integrated architecture for learning, planning, and reacting.* ACM SIGART Bulletin 2(4), 1991. One
#    imagined step from a state met before: a branched rollout with $k = 1$.
#
# **Next:** [06 SAC](06_sac.ipynb), the learner inside. And look back at [01 Dyna-Q](01_dyna_q.ipynb): what was its branch length?

# %% [markdown] tags=["lang-zh"] twin="6277832a"
# ## 要点
#
# - 分支推演从真实访问过的状态出发，想象 $k$ 步。$\eta_k$ 从 $k = 0$ 时旧策略的真实回报，走向新策略的模型回报。
# - 定理 4.3：$\eta \ge \eta_k - 2 r_{\max}[\gamma^k\epsilon_\pi/(1-\gamma)^2 + k\,\epsilon_m'/(1-\gamma)]$。只要 $\epsilon_m' < \gamma^k\epsilon_\pi$，就继续走。
# - $k^*$ 是这个界的建议，不是采用短分支的理由：它的极小值出自一步放得过松的推导，界常常是空洞的，$\eta_k$ 也随 $k$ 变化。
# - 带来保证的是在当前策略下测得的 $\epsilon_m'$：只要 $k^* > 0$，完整推演用它就有更小的惩罚项 $2 r_{\max}\gamma\,\epsilon_m'/(1-\gamma)^2$。
# - 分支带来的是别的：想象的状态离开数据时，那里的单步误差 $\hat\epsilon(j)$ 会增长，短分支因此限制了对模型的利用；分支还够得着晚出现的状态。
# - 代入定理的是精确的误差，不是代理量。
# - 有了 $\epsilon_m'$，就能接受策略更新，此时真实回报从不下降。实践中 $k$ 靠实验来选，先小后大。
#
# ## 参考文献
#
# 1. M. Janner, J. Fu, M. Zhang, S. Levine. *When to Trust Your Model: Model-Based Policy Optimization.* NeurIPS 2019,
#    [arXiv 1906.08253](https://arxiv.org/abs/1906.08253)。定理 4.2 和 4.3 见 4.2、4.3 节，证明见附录 A，引理 B.4 见附录 B；斜率见图 1；$k$ 的消融实验见 6.2 节；调度见附录 C。
# 2. R. Sutton. *Dyna, an integrated architecture for learning, planning, and reacting.* ACM SIGART Bulletin 2(4), 1991。从见过的状态想象一步：就是 $k = 1$ 的分支推演。
#
# **下一章：**[06 SAC](06_sac.ipynb)，MBPO 内部的学习器。也不妨回头看看 [01 Dyna-Q](01_dyna_q.ipynb)：它的分支有多长？
