# %% [markdown] tags=["lang-en"]
# # 04 · When to trust a model: the bound $C$
#
# A policy gets better in the model. Does it get better in the world? This chapter states the first answer of the
# paper [1], computes every quantity in it exactly, and finds out how much it says.
#
# | this chapter | in short |
# |---|---|
# | **Objectives** | State theorem 4.1 and say where its two terms come from; compute $\epsilon_m$, $\epsilon_\pi$ and returns exactly on a table; see where $C$ says nothing, and why it is so large; explain why it accepts no step away from the data; tell policy shift from compounding error. |
# | **Prerequisites** | Chapter 00 (notation); value functions and the Bellman equation; a linear system. |
# | **Reading time** | 75 minutes |
# | **Run time** | about 10 s on two cores |
# | **Language** | English · [中文](../zh/04_when_to_trust.ipynb) |
# | **Words** | [glossary](../../docs/glossary.md) |

# %% [markdown] tags=["lang-zh"] twin="5bd8a690"
# # 04 · 何时信任模型：性能界（performance bound）$C$
#
# 策略在模型里变好了，在真实环境里也会变好吗？本章给出论文 [1] 的第一个回答，把其中每个量都精确地算出来，再看看这个回答到底说了多少。
#
# | 本章 | 概要 |
# |---|---|
# | **学习目标** | 写出定理 4.1，说清两项各从何而来；在表格型问题上精确计算 $\epsilon_m$、$\epsilon_\pi$ 和回报；看出 $C$ 在哪里不提供信息、为什么这么大；解释它为什么不接受任何偏离数据的策略更新；分清策略偏移与复合误差。 |
# | **预备知识** | 第 00 章的记号；价值函数与贝尔曼方程；线性方程组。 |
# | **阅读时间** | 75 分钟 |
# | **运行时间** | 双核机器上约 10 秒 |
# | **语言** | [English](../en/04_when_to_trust.ipynb) · 中文 |
# | **用语** | [术语表](../../docs/glossary.md) |

# %% [markdown] tags=["lang-en"]
# ## A river and a hopeful model of it
#
# To check a theorem one needs a world in which nothing has to be estimated. *RiverSwim* [2] is small enough: six places
# in a row, and a current that flows to the left. Drifting **left** always works and pays 0.005 at the left end. Swimming
# **right** moves one place on with probability 0.35{{rows[3] | .2f}} and one place back with 0.05{{rows[1] | .2f}}; at the
# right end it pays 1. The swimmer starts anywhere.
#
# The data were collected by $\pi_D$, which picks left or right with equal chance. The policy we would like is $\pi$:
# always right. And the model is hopeful: mixed into the true dynamics is a share of a river in which every stroke to
# the right succeeds.

# %% [markdown] tags=["lang-zh"] twin="e34c8259"
# ## 一条河，和一个乐观的模型
#
# 要检验一个定理，最好有一个什么都不用估计的世界。*RiverSwim* [2] 就足够小：六个位置排成一行，河水向左流。顺流**向左**总能成功，在最左端得到
# 0.005；逆流**向右**游，前进一格的概率是 0.35{{rows[3] | .2f}}，被冲回一格的概率是 0.05{{rows[1] | .2f}}，在最右端得到 1。起点是任意一个位置。
#
# 数据由 $\pi_D$ 收集，它以相同的概率选左或选右。我们想要的策略 $\pi$ 是一直向右。模型则是乐观的：真实环境动态里掺进了一部分“每次向右都成功”的河。

# %% named="rows"
import numpy as np

from mbpo_teach.theory import bounds
from mbpo_teach.theory import exact
from mbpo_teach.tables import mdp
from mbpo_teach.tables import river

world = river.river_swim(gamma=0.8)
data_policy = np.full((6, 2), 0.5)
right = river.swim_right()
model = exact.mixture(world.transition, river.hopeful_model(), 0.3)
print(world.transition[2, river.RIGHT])
print(model[2, river.RIGHT].round(3))

# %% [markdown] tags=["lang-en"]
# The two rows are the laws of the next place after a stroke to the right from the third place: in the world, and in the
# model. The model promises 0.545{{rows[9] | .3f}} instead of 0.35{{rows[3] | .2f}}.
#
# The **true return** $\eta[\pi]$ is $\sum_t \gamma^t\, d_t \cdot r_\pi$, where $d_t$ is the law of the state at time $t$ and $r_\pi$ the policy's mean reward in each state. The
# **model return** $\hat\eta[\pi]$ is the same sum with the model's dynamics.
#
# **Predict.** Which policy has the higher return, $\pi_D$ or $\pi$? And is $\hat\eta[\pi]$ above or below $\eta[\pi]$?

# %% [markdown] tags=["lang-zh"] twin="269443eb"
# 两行分别是：在第三个位置向右游一下，下一个位置在真实世界里的分布，和在模型里的分布。模型里的成功率是 0.545{{rows[9] | .3f}}，而不是 0.35{{rows[3] | .2f}}。
#
# **真实环境中的期望回报**（true return）$\eta[\pi]$ 等于 $\sum_t \gamma^t\, d_t \cdot r_\pi$，其中 $d_t$ 是时刻 $t$ 的状态分布，$r_\pi$ 是策略在各状态的平均奖励。**模型环境中的期望回报**（model
# return）$\hat\eta[\pi]$ 是同一个和，只是换成模型的动态。
#
# **先预测。** $\pi_D$ 和 $\pi$ 哪个回报更高？$\hat\eta[\pi]$ 会高于还是低于 $\eta[\pi]$？


# %% tags=["nbval-check-output"] named="returns"
def summed_return(transition: np.ndarray, policy: np.ndarray) -> float:
    moves = np.einsum("sa,sap->sp", policy, transition)
    reward = (policy * world.reward).sum(axis=1)
    law, total = world.start, 0.0
    for t in range(200):
        total += world.gamma**t * law @ reward
        law = law @ moves
    return total


print(f"{summed_return(world.transition, data_policy):.4f}")
print(f"{summed_return(world.transition, right):.4f}  {mdp.exact_return(world, right):.4f}")
print(f"{summed_return(model, right):.4f}  {mdp.exact_return(world, right, model):.4f}")

# %% [markdown] tags=["lang-en"]
# First line: $\eta[\pi_D]$. Second: $\eta[\pi]$, summed here and computed by `mdp.exact_return`; they agree. Third:
# $\hat\eta[\pi]$, the same two ways.
#
# <details><summary>What was seen</summary>
#
# Always swimming right is much better than $\pi_D$: 1.70{{returns[1] | .2f}} against 0.20{{returns[0] | .2f}}. And the model
# promises more than the river pays, 2.23{{returns[3] | .2f}}. An agent that improves its policy in a model looks for just
# such promises.
#
# </details>
#
# So we want to know how large the difference between $\hat\eta$ and $\eta$ can be.
#
# ## Three distances
#
# The paper measures all errors by **total variation**, the largest difference in probability that two distributions
# give to any event:
#
# $$D_{TV}(p \,\Vert\, q) = \tfrac12 \sum_x \lvert p(x) - q(x) \rvert \in [0, 1].$$
#
# - **Model error** $\epsilon_m = \max_t \mathbb E_{s \sim d_t^{\pi_D},\, a \sim \pi_D}
#   \left[D_{TV}\big(p(\cdot\mid s,a) \,\Vert\, \hat p(\cdot\mid s,a)\big)\right]$: the error of *one* step, where the
#   *data-collecting* policy goes.
# - **Policy shift** $\epsilon_\pi = \max_s D_{TV}\big(\pi(\cdot\mid s) \,\Vert\, \pi_D(\cdot\mid s)\big)$: how far the
#   policy has moved away from the data. No model occurs in it.
# - **Model error on-policy** $\epsilon_m'$: as $\epsilon_m$, but where the *current* policy goes. Theorem 4.1 does not
#   use it; chapter 05 will.
#
# The paper's section 4.1 prints $\epsilon_m$ with the law of next state *and reward*, $p(s', r\mid s, a)$; its appendix A
# drops $r$. So do we: on our tables the reward is known. MBPO learns the reward too, and then its error belongs in
# $\epsilon_m$.

# %% [markdown] tags=["lang-zh"] twin="950802b6"
# 第一行是 $\eta[\pi_D]$；第二行是 $\eta[\pi]$，先用上面的求和，再用 `mdp.exact_return`，两者一致；第三行是 $\hat\eta[\pi]$，同样算了两遍。
#
# <details><summary>看到了什么</summary>
#
# 一直向右比 $\pi_D$ 好得多：1.70{{returns[1] | .2f}} 对 0.20{{returns[0] | .2f}}。而模型算出的回报是
# 2.23{{returns[3] | .2f}}，比真实的还要高。在模型里改进策略的智能体，寻找的正是这种看起来更高的回报。
#
# </details>
#
# 所以我们想知道：$\hat\eta$ 与 $\eta$ 最多能差多少？
#
# ## 三个距离
#
# 论文用**全变差距离**（total variation）度量一切误差，它是两个分布对同一事件给出的概率之差的最大值：
#
# $$D_{TV}(p \,\Vert\, q) = \tfrac12 \sum_x \lvert p(x) - q(x) \rvert \in [0, 1].$$
#
# - **模型误差**（model error）$\epsilon_m = \max_t \mathbb E_{s \sim d_t^{\pi_D},\, a \sim \pi_D}
#   \left[D_{TV}\big(p(\cdot\mid s,a) \,\Vert\, \hat p(\cdot\mid s,a)\big)\right]$：*单步*的误差，在*收集数据的策略*所到之处度量。
# - **策略偏移**（policy shift）$\epsilon_\pi = \max_s D_{TV}\big(\pi(\cdot\mid s) \,\Vert\, \pi_D(\cdot\mid s)\big)$：策略离开数据有多远。式子里没有模型。
# - **当前策略下的模型误差**（model error on-policy）$\epsilon_m'$：同 $\epsilon_m$，但在*当前策略*所到之处度量。定理 4.1 不用它，第 05 章会用到。
#
# 论文 4.1 节里的 $\epsilon_m$ 用的是下一状态与*奖励*的联合分布 $p(s', r\mid s, a)$，附录 A 则去掉了 $r$。本章也不带 $r$：表格里的奖励是已知的。MBPO 连奖励一起学，
# 那时奖励的误差也应当算进 $\epsilon_m$。

# %% tags=["nbval-check-output"] named="distances"
print(f"eps_m  = {exact.model_error(world, model, data_policy):.4f}")
print(f"eps_m' = {exact.model_error(world, model, right):.4f}")
print(f"eps_pi = {exact.policy_shift(right, data_policy):.4f}")

# %% [markdown] tags=["lang-en"]
# The model is wrong only about strokes to the right. $\pi_D$ makes such strokes half of the time, $\pi$ always:
# therefore $\epsilon_m'$, 0.165{{distances[1] | .3f}}, is larger than $\epsilon_m$, 0.097{{distances[0] | .3f}}. A learned model
# is worse where its data are few, and a better policy often goes just there; chapter 05 measures what that does to $\epsilon_m'$.
#
# ### Exercise 04-1: total variation
#
# Write $D_{TV}$ for two arrays of probabilities. For $(0.5, 0.5)$ and $(1, 0)$ the result is 0.5.
#
# <details><summary>Hint</summary>
#
# Whatever one distribution has more somewhere, the other has more elsewhere. The sum of absolute differences counts it
# twice.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="b7b7c380"
# 模型只在向右游时出错。$\pi_D$ 有一半时间向右，$\pi$ 则始终向右，所以 $\epsilon_m'$（0.165{{distances[1] | .3f}}）大于 $\epsilon_m$（0.097{{distances[0] | .3f}}）。学到的模型在数据少的地方更差，而更好的策略往往正要去那里；这使 $\epsilon_m'$ 增大多少，由第 05 章测量。
#
# ### 练习 04-1：全变差距离
#
# 给定两个概率数组，写出 $D_{TV}$。对 $(0.5, 0.5)$ 和 $(1, 0)$，结果应为 0.5。
#
# <details><summary>提示</summary>
#
# 一个分布在某处多出来的，另一个分布必在别处多出来。绝对值之和把它算了两遍。
#
# </details>

# %% mbpo={"exercise": "04-1", "role": "setup"}
import numpy as np

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "04-1", "role": "answer"}
def total_variation(p: np.ndarray, q: np.ndarray) -> float:
    """Return D_TV(p || q) of two arrays of probabilities, both of shape (outcome,)."""
    ### BEGIN SOLUTION
    return 0.5 * np.abs(p - q).sum()
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "04-1", "role": "check"}
check("04-1", total_variation)

# %% [markdown] tags=["lang-en"]
# ## Theorem 4.1
#
# $$\eta[\pi] \;\ge\; \hat\eta[\pi] - C, \qquad
# C = \underbrace{\frac{2\gamma r_{\max}(\epsilon_m + 2\epsilon_\pi)}{(1-\gamma)^2}}_{\text{accumulated}}
#   + \underbrace{\frac{4 r_{\max}\epsilon_\pi}{1-\gamma}}_{\text{immediate}}$$
#
# What is taken off, $C$, is the **performance bound**. Its two terms have different causes.
#
# - *Accumulated.* An inaccurate model and a shifted policy both lead to states that the other process would not visit,
#   a little further at each step. A deviation of $\epsilon$ per step has grown to at most $t\,\epsilon$ after $t$ steps,
#   and $\sum_t \gamma^t\, t = \gamma/(1-\gamma)^2$: hence the square.
# - *Immediate.* Even with a perfect model, a shifted policy takes other actions in the very states where it is, and is
#   paid differently for them, at every step: $\sum_t \gamma^t = 1/(1-\gamma)$.
#
# **Where the factors come from** (the paper's appendix A has the proof; lemma B.3 does the work). For two processes
# whose dynamics differ by $\epsilon_m$ and whose policies differ by $\epsilon_\pi$, lemma B.3 bounds the difference of
# returns by
#
# $$B(\epsilon_m, \epsilon_\pi) = 2 r_{\max}\left[\frac{\gamma(\epsilon_m + \epsilon_\pi)}{(1-\gamma)^2}
#   + \frac{\epsilon_\pi}{1-\gamma}\right].$$
#
# Why $2 r_{\max}$? Where two laws differ by $D_{TV}$, one has to carry a share $D_{TV}$ of all probability from some
# outcomes to others to make the first into the second. The mean reward changes by at most that share times the largest
# difference of two rewards, which is $r_{\max} - (-r_{\max})$.
#
# The model error is known only under $\pi_D$, so the proof goes through $\eta[\pi_D]$, in two steps:
#
# $$\eta[\pi] - \hat\eta[\pi] = \underbrace{\eta[\pi] - \eta[\pi_D]}_{\ge\, -B(0,\, \epsilon_\pi)}
#   + \underbrace{\eta[\pi_D] - \hat\eta[\pi]}_{\ge\, -B(\epsilon_m,\, \epsilon_\pi)}.$$
#
# The policy shift enters twice, the model error once: that is $\epsilon_m + 2\epsilon_\pi$, and
# $B(0, \epsilon_\pi) + B(\epsilon_m, \epsilon_\pi) = C$. Both terms together are
#
# $$C = \frac{2 r_{\max}\,(\gamma\,\epsilon_m + 2\,\epsilon_\pi)}{(1-\gamma)^2}.$$

# %% [markdown] tags=["lang-zh"] twin="f093a0b0"
# ## 定理 4.1
#
# $$\eta[\pi] \;\ge\; \hat\eta[\pi] - C, \qquad
# C = \underbrace{\frac{2\gamma r_{\max}(\epsilon_m + 2\epsilon_\pi)}{(1-\gamma)^2}}_{\text{逐步累积}}
#   + \underbrace{\frac{4 r_{\max}\epsilon_\pi}{1-\gamma}}_{\text{当步产生}}$$
#
# 减去的 $C$ 就是**性能界**；性能下界则是 $\hat\eta[\pi] - C$，真实回报不会低于它。$C$ 的两项原因不同。
#
# - *逐步累积。* 模型不准，策略又偏移，两者都会把过程带到另一个过程不会去的状态，每走一步就偏一点。每步偏差为 $\epsilon$，$t$ 步之后至多累积到
#   $t\,\epsilon$，而 $\sum_t \gamma^t\, t = \gamma/(1-\gamma)^2$，平方由此而来。
# - *当步产生。* 即使模型完全准确，偏移后的策略在同一个状态里也会采取别的动作，得到别的奖励，而且步步如此：$\sum_t \gamma^t = 1/(1-\gamma)$。
#
# **系数从何而来**（证明见论文附录 A，关键是引理 B.3）。两个过程的环境动态相差 $\epsilon_m$、策略相差 $\epsilon_\pi$ 时，引理 B.3 说回报之差不超过
#
# $$B(\epsilon_m, \epsilon_\pi) = 2 r_{\max}\left[\frac{\gamma(\epsilon_m + \epsilon_\pi)}{(1-\gamma)^2}
#   + \frac{\epsilon_\pi}{1-\gamma}\right].$$
#
# 为什么是 $2 r_{\max}$？两个分布相差 $D_{TV}$，就是说，只要把占总量 $D_{TV}$ 的概率从一些结果移到另一些结果，前者就变成后者。平均奖励的变化不超过这个份额乘以两个奖励的最大差，
# 即 $r_{\max} - (-r_{\max})$。
#
# 模型误差只在 $\pi_D$ 之下是已知的，所以证明要绕道 $\eta[\pi_D]$，分两步走：
#
# $$\eta[\pi] - \hat\eta[\pi] = \underbrace{\eta[\pi] - \eta[\pi_D]}_{\ge\, -B(0,\, \epsilon_\pi)}
#   + \underbrace{\eta[\pi_D] - \hat\eta[\pi]}_{\ge\, -B(\epsilon_m,\, \epsilon_\pi)}.$$
#
# 策略偏移计入了两次，模型误差计入了一次，这就是 $\epsilon_m + 2\epsilon_\pi$；并且
# $B(0, \epsilon_\pi) + B(\epsilon_m, \epsilon_\pi) = C$。两项合并后是
#
# $$C = \frac{2 r_{\max}\,(\gamma\,\epsilon_m + 2\,\epsilon_\pi)}{(1-\gamma)^2}.$$

# %% tags=["nbval-check-output"] named="terms"
for gamma in (0.0, 0.9, 0.99):
    setting = {"gamma": gamma, "r_max": 1.0, "eps_m": 0.1, "eps_pi": 0.1}
    accumulated, immediate = bounds.bound_terms(**setting)
    whole = bounds.performance_bound(**setting)
    print(f"{gamma:.2f}  {accumulated:.1f} + {immediate:.1f} = {whole:.1f}")

# %% [markdown] tags=["lang-en"]
# Each line shows $\gamma$, the two terms, and $C$, for $\epsilon_m = \epsilon_\pi = 0.1$. At $\gamma = 0$ there is no
# future in which anything could accumulate. At $\gamma = 0.99$ the first term is almost everything.
#
# ### Exercise 04-2: the bound $C$
#
# Write $C$ as a function of $\gamma$, $r_{\max}$, $\epsilon_m$ and $\epsilon_\pi$. For (0.9, 1, 0.1, 0.1) it is 58{{terms[7] | .0f}}.
#
# <details><summary>Hint</summary>
#
# Compute the two terms separately, as the theorem prints them. Only the first has $\gamma$ in the numerator and the
# square below.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="09f6d8c1"
# 每行是 $\gamma$、两项和 $C$，其中 $\epsilon_m = \epsilon_\pi = 0.1$。$\gamma = 0$ 时没有未来，无从累积；$\gamma = 0.99$ 时第一项几乎就是全部。
#
# ### 练习 04-2：性能界 $C$
#
# 把 $C$ 写成 $\gamma$、$r_{\max}$、$\epsilon_m$、$\epsilon_\pi$ 的函数。对 (0.9, 1, 0.1, 0.1)，结果应为 58{{terms[7] | .0f}}。
#
# <details><summary>提示</summary>
#
# 按定理的写法分别算两项。只有第一项分子里有 $\gamma$，分母是平方。
#
# </details>

# %% mbpo={"exercise": "04-2", "role": "setup"}
from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "04-2", "role": "answer"}
def performance_bound(gamma: float, r_max: float, eps_m: float, eps_pi: float) -> float:
    """Return C of theorem 4.1."""
    ### BEGIN SOLUTION
    accumulated = 2 * gamma * r_max * (eps_m + 2 * eps_pi) / (1 - gamma) ** 2
    immediate = 4 * r_max * eps_pi / (1 - gamma)
    return accumulated + immediate
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "04-2", "role": "check"}
check("04-2", performance_bound)

# %% [markdown] tags=["lang-en"]
# ## Where $C$ says nothing
#
# Returns lie between $-r_{\max}/(1-\gamma)$ and $r_{\max}/(1-\gamma)$, so two of them never differ by more than
# $2 r_{\max}/(1-\gamma)$, the **trivial level**. A bound that allows that much or more is **vacuous**: it is true, and
# says nothing. For $C$ this happens as soon as
#
# $$\gamma\,\epsilon_m + 2\,\epsilon_\pi \;\ge\; 1 - \gamma .$$
#
# The explorer below computes the closed forms in your browser. On the left is $C$ against the policy shift, its two
# terms one on top of the other, in multiples of the trivial level; the grey region is vacuous, and its scale is
# logarithmic, because $C$ soon leaves every other. On the right are the penalties of theorems 4.2 and 4.3 for branched
# rollouts of $k$ steps, a tighter variant, and for comparison the penalty of whole rollouts with the same $\epsilon_m'$. Those belong to chapter
# 05; for now, look at how $C$ behaves.
#
# **Predict.** At $\gamma = 0.9$, $\epsilon_m = 0.01$, how large may $\epsilon_\pi$ become before $C$ says nothing: 0.5,
# 0.05 or 0.005? What happens to that limit at $\gamma = 0.99$? And which picture changes when $r_{\max}$ doubles?

# %% [markdown] tags=["lang-zh"] twin="3abc01eb"
# ## $C$ 在哪里不提供信息
#
# 回报介于 $-r_{\max}/(1-\gamma)$ 与 $r_{\max}/(1-\gamma)$ 之间，所以任意两个回报之差不超过 $2 r_{\max}/(1-\gamma)$，即**平凡界**（trivial level）。
# 如果一个界允许的差距达到或超过平凡界，它就是**空洞**（vacuous）的：没有错，也什么都没说。对 $C$ 来说，只要
#
# $$\gamma\,\epsilon_m + 2\,\epsilon_\pi \;\ge\; 1 - \gamma$$
#
# 就会这样。
#
# 下面的界探索器在浏览器里计算这些公式。左图是 $C$ 随策略偏移的变化，两项上下叠放，以平凡界的倍数为单位；灰色区域是空洞的，那里改用对数刻度，因为 $C$
# 很快就会超出任何普通刻度。右图是定理 4.2 和 4.3 对 $k$ 步分支推演（branched rollout）给出的惩罚项（penalty），旁边还有一个更紧的惩罚项，以及同一个 $\epsilon_m'$ 之下完整推演的惩罚项，供比较。那是第 05 章的内容，这里先看 $C$。
#
# **先预测。** $\gamma = 0.9$、$\epsilon_m = 0.01$ 时，$\epsilon_\pi$ 到多大 $C$ 就不提供信息了：0.5、0.05 还是 0.005？$\gamma = 0.99$
# 时这个限度会怎样？把 $r_{\max}$ 加倍，图的哪一部分会变？

# %% named="explorer"
from mbpo_teach.widgets.bound_explorer import explorer_lab

explorer_lab()

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# At $\gamma = 0.9$ and $\epsilon_m = 0.01$ the bound is informative up to $\epsilon_\pi = 0.0455$ only.
# At $\gamma = 0.99$ the limit is 0.00005: practically no policy shift at all, and for $\epsilon_m$ above 0.0101 there is
# none left. Doubling $r_{\max}$ doubles every return in the sentence and moves no curve, because the trivial level
# doubles too: $r_{\max}$ is only the unit in which returns are counted.
#
# The condition also says which error matters more: $\epsilon_\pi$ counts twice, and without the factor $\gamma$. In the left
# picture the upper part, accumulated over time, is always at least a share $\gamma$ of $C$: at the start
# 38{{explorer[1] | .0f}} of 42{{explorer[0] | .0f}}.
#
# </details>
#
# ### Exercise 04-3: the largest informative shift
#
# Given $\gamma$ and $\epsilon_m$, return the policy shift at which $C$ reaches the trivial level, and 0 where the model
# error alone is too large. For (0.9, 0.0) it is 0.05.
#
# <details><summary>Hint</summary>
#
# At which shift does the condition for a vacuous bound hold with equality? And can a total variation be negative?
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="3b5ed801"
# <details><summary>看到了什么</summary>
#
# $\gamma = 0.9$、$\epsilon_m = 0.01$ 时，只有 $\epsilon_\pi$ 小于 0.0455，界才提供信息。$\gamma = 0.99$ 时限度是
# 0.00005，几乎不容任何策略偏移；$\epsilon_m$ 一旦超过 0.0101，就一点余地也没有了。$r_{\max}$ 加倍，句子里的每个回报都加倍，曲线却一动不动，
# 因为平凡界也加倍了：$r_{\max}$ 只是计量回报的单位。
#
# 从空洞的条件还能看出哪种误差更要紧。$\epsilon_\pi$ 的系数是二，而且不乘 $\gamma$。左图里上面那部分，也就是随时间累积的那一项，在 $C$ 中所占的比例总不小于 $\gamma$：滑块在初始位置时，它占
# 42{{explorer[0] | .0f}} 中的 38{{explorer[1] | .0f}}。
#
# </details>
#
# ### 练习 04-3：还能提供信息的最大偏移
#
# 给定 $\gamma$ 和 $\epsilon_m$，返回 $C$ 达到平凡界时的策略偏移；如果仅模型误差就已经太大，返回 0。对 (0.9, 0.0)，结果应为 0.05。
#
# <details><summary>提示</summary>
#
# 偏移多大时，界变得空洞的条件恰好取等号？全变差距离会不会是负数？
#
# </details>

# %% mbpo={"exercise": "04-3", "role": "setup"}
from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "04-3", "role": "answer"}
def informative_shift(gamma: float, eps_m: float) -> float:
    """Return the policy shift from which on C says nothing, or 0.0 if it never says anything."""
    ### BEGIN SOLUTION
    return max(0.0, (1 - gamma - gamma * eps_m) / 2)
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "04-3", "role": "check"}
check("04-3", informative_shift)

# %% [markdown] tags=["lang-en"]
# ## The exact lab
#
# Now the theorem meets a world. The lab below is the river. Its sliders set *exact* quantities: the share of the hopeful
# river in the model is chosen so that $\epsilon_m$ is what the slider says, and the policy lies between $\pi_D$ and
# always right so that $\epsilon_\pi$ is. Nothing is sampled.
#
# - Left: true return and model return as the policy moves away from $\pi_D$, with the band $\hat\eta \pm C$ around the
#   model return. The horizontal lines are the largest and smallest return there can be. The red bar at the dotted line
#   is the true gap at the present shift. In the grey part the bound says nothing.
# - Middle: $C$ as a share of the trivial level, for every $\epsilon_m$ and $\epsilon_\pi$. The filled point is where the
#   river's exact errors lie; the diamond has $\epsilon_m'$ in place of $\epsilon_m$.
# - Right: the branched return $\eta_k$, the subject of chapter 05, zoomed to its own range. At $k = 0$ it is the true
#   return of $\pi_D$, for large $k$ the model return of $\pi$.
#
# **Predict.** At the start, $\epsilon_m = \epsilon_\pi = 0.02$ and $\gamma = 0.8$. Will the true gap fill most of the
# band, a tenth of it, or less than a hundredth? Then move each slider to both ends.

# %% [markdown] tags=["lang-zh"] twin="d668ca95"
# ## 一切都精确的交互实验
#
# 现在让定理面对一个世界。下面的交互实验就是那条河。滑块设定的是*精确*的量：模型里掺多少乐观的河，恰好使 $\epsilon_m$ 等于滑块的值；策略介于 $\pi_D$
# 和“一直向右”之间，恰好使 $\epsilon_\pi$ 等于滑块的值。没有任何抽样。
#
# - 左：策略离开 $\pi_D$ 时的真实回报和模型回报，以及模型回报周围的带 $\hat\eta \pm C$。两条水平线是回报可能的最大值和最小值；竖直点线处的红色短线是当前偏移下的真实差距；灰色部分，界不提供信息。
# - 中：对每一组 $\epsilon_m$ 和 $\epsilon_\pi$，$C$ 占平凡界的比例。实心点是这条河的精确误差所在；菱形把 $\epsilon_m$ 换成了 $\epsilon_m'$。
# - 右：分支推演回报（branched return）$\eta_k$，这是第 05 章的主题，图按它自身的范围放大。$k = 0$ 时它等于 $\pi_D$ 的真实回报，$k$ 很大时等于 $\pi$ 的模型回报。
#
# **先预测。** 起初 $\epsilon_m = \epsilon_\pi = 0.02$，$\gamma = 0.8$。真实差距会占满带子的大部分、十分之一，还是不到百分之一？然后把每个滑块拖到两端看看。

# %% named="exact"
from mbpo_teach.widgets.exact_lab import exact_lab

exact_lab()

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# The true gap is 0.011{{exact[2] | .3f}} and $C$ is 2.8{{exact[4] | .1f}}: the gap is less than half a percent of what the
# theorem allows. On the left it is too small to be seen, and no red bar shows; on the right, zoomed, it is the distance
# between the dashed and the solid blue line. Over the whole range of the sliders the gap is never more than 4.5 % of
# $C$. The theorem is not wrong, it is careful: it holds for the worst world with these errors, and the river is not
# that world. What the care consists of is taken apart below, layer by layer.
#
# - $\epsilon_m$ opens a gap by itself. With $\epsilon_\pi = 0$ the policy is $\pi_D$, and still the model promises more
#   than the river pays.
# - $\epsilon_\pi$ with a perfect model ($\epsilon_m = 0$) opens no gap: $\hat\eta = \eta$ for every policy. $C$ grows all
#   the same, since the theorem cannot know that the model is perfect away from the data.
# - As $\epsilon_\pi$ grows, the diamond moves right of the point: $\epsilon_m' > \epsilon_m$, because the better policy
#   goes where the model is wrong. At $\epsilon_m = 0.25$ and $\epsilon_\pi = 0.5$ it has left the map.
# - $\gamma$ narrows the informative corner quickly. $r_{\max}$ changes only the numbers at the axis.
# - On the right, at the first setting, $\eta_k$ passes the true return between $k = 1$ and $k = 2$. At such a length the
#   imagined and the true return nearly agree, but nobody can find it without knowing the true return.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="22797732"
# <details><summary>看到了什么</summary>
#
# 真实差距是 0.011{{exact[2] | .3f}}，而 $C$ 是 2.8{{exact[4] | .1f}}：差距还不到定理所允许的百分之零点五。左图里它小得看不见，红色短线也就显不出来；
# 右图放大之后，虚线与蓝色实线之间就是它。在滑块的整个范围内，差距从未超过 $C$ 的 4.5%。
# 定理没有错，它只是谨慎：对误差相同的一切世界，它都必须成立，其中最坏的那个不是这条河。谨慎在哪些地方，下文一层一层拆开来看。
#
# - $\epsilon_m$ 自己就会拉开差距。$\epsilon_\pi = 0$ 时策略就是 $\pi_D$，模型里的回报仍然高于真实回报。
# - 模型完全准确时（$\epsilon_m = 0$），$\epsilon_\pi$ 不会拉开差距：对每个策略都有 $\hat\eta = \eta$。$C$ 却照样增长，因为定理无从知道模型在数据之外也是准的。
# - $\epsilon_\pi$ 增大时，菱形移到实心点右边，即 $\epsilon_m' > \epsilon_m$：更好的策略去的正是模型出错的地方。$\epsilon_m = 0.25$、$\epsilon_\pi = 0.5$
#   时，菱形已经移出了图外。
# - $\gamma$ 一大，能提供信息的角落很快变窄。$r_{\max}$ 只改变坐标轴上的数字。
# - 右图中，滑块在初始位置时，$\eta_k$ 在 $k = 1$ 与 $k = 2$ 之间越过真实回报。取这样的长度，想象的回报与真实回报几乎相等；但不知道真实回报，就没有人能找到它。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ### Exercise 04-4: the exact return by a linear solve
#
# The sum at the head of this chapter stops after 200 terms. The Bellman equation [3] $v = r_\pi + \gamma P_\pi v$ needs no
# such cut: it is a linear system. Write the return as $\eta = d_0 \cdot v$, for given transition (state, action, next
# state), reward (state, action), policy (state, action), start (state) and $\gamma$. For `world` and `right` it is
# 1.6990{{returns[1] | .4f}}, as above.
#
# <details><summary>Hint</summary>
#
# Average dynamics and rewards over the policy's actions first: $P_\pi(s, s') = \sum_a \pi(a\mid s)\,p(s'\mid s, a)$, and
# in the same way $r_\pi$. Then solve $(I - \gamma P_\pi)\,v = r_\pi$ with `np.linalg.solve`.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="afe4e44c"
# ### 练习 04-4：解线性方程组求精确回报
#
# 本章开头的求和截断在 200 项。贝尔曼方程 [3] $v = r_\pi + \gamma P_\pi v$ 不需要截断：它是一个线性方程组。给定 transition（状态，动作，下一状态）、
# reward（状态，动作）、policy（状态，动作）、start（状态）和 $\gamma$，写出回报 $\eta = d_0 \cdot v$。对 `world` 和 `right`，结果应为
# 1.6990{{returns[1] | .4f}}，与前面一致。
#
# <details><summary>提示</summary>
#
# 先按策略对动作取平均：$P_\pi(s, s') = \sum_a \pi(a\mid s)\,p(s'\mid s, a)$，$r_\pi$ 也一样。再用 `np.linalg.solve` 解
# $(I - \gamma P_\pi)\,v = r_\pi$。
#
# </details>

# %% mbpo={"exercise": "04-4", "role": "setup"}
import numpy as np

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "04-4", "role": "answer"}
def exact_return(
    transition: np.ndarray,
    reward: np.ndarray,
    policy: np.ndarray,
    start: np.ndarray,
    gamma: float,
) -> float:
    """Return the expected discounted return of `policy`, by solving the Bellman equation."""
    ### BEGIN SOLUTION
    moves = np.einsum("sa,sap->sp", policy, transition)
    mean_reward = (policy * reward).sum(axis=1)
    values = np.linalg.solve(np.eye(len(start)) - gamma * moves, mean_reward)
    return start @ values
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours. Then read ours:
# [`mbpo_teach/tables/mdp.py`](../../mbpo_teach/tables/mdp.py), function `state_values`.

# %% [markdown] tags=["lang-zh"] twin="3ef7fa5c"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。然后读一读我们的写法：[`mbpo_teach/tables/mdp.py`](../../mbpo_teach/tables/mdp.py) 中的函数
# `state_values`。

# %% mbpo={"exercise": "04-4", "role": "check"}
check("04-4", exact_return)

# %% [markdown] tags=["lang-en"]
# ## Two errors that are easily taken for one
#
# One might take $\epsilon_\pi$ for the gap between imagined and real trajectories of one policy, that is, for
# **compounding error**. It is not that, and an example shows the difference. Let one policy walk down the river and down the model, and measure after every step how far the laws
# of the two states are apart. That distance is compounding error, exactly.
#
# **Predict.** Set $\epsilon_m = 0$ and move $\epsilon_\pi$ from 0 to 0.5. What does the curve do? Then set
# $\epsilon_\pi = 0$ and move $\epsilon_m$.

# %% [markdown] tags=["lang-zh"] twin="9445cd19"
# ## 容易混为一谈的两种误差
#
# $\epsilon_\pi$ 容易被理解为同一策略下模型轨迹与真实轨迹之间的差距，也就是**复合误差**（compounding error）；“策略误差”这个译名尤其容易让人这样想。论文里的
# $\epsilon_\pi$ 不是这个意思，一个例子就能看清。让同一个策略分别在河里和模型里走，每走一步，就量一量两边的状态分布相距多远。这个距离就是精确的复合误差。
#
# **先预测。** 令 $\epsilon_m = 0$，把 $\epsilon_\pi$ 从 0 拖到 0.5，曲线会怎样？再令 $\epsilon_\pi = 0$，拖动 $\epsilon_m$。

# %% named="drift"
from mbpo_teach.widgets.two_errors import two_errors_lab

two_errors_lab()

# %% [markdown] tags=["lang-en"]
# The curve is the total variation between the law of the imagined state and that of the real state, both under the
# moved policy, against time. The dotted line is the ceiling $t\,\epsilon_m'$ of lemma B.2.
#
# <details><summary>What was seen</summary>
#
# With $\epsilon_m = 0$ the curve stays at zero for every $\epsilon_\pi$: a perfect model makes no
# error, however far the policy has moved. With $\epsilon_\pi = 0$ *exactly* and $\epsilon_m > 0$ it grows, for
# $\epsilon_m = 0.1$ from 0.018 after one step to 0.093{{drift[2] | .3f}} after five and 0.189{{drift[4] | .3f}} after forty. So compounding error is a
# consequence of the model error and of time, and not another name for policy shift.
#
# It does not grow forever here: the current sweeps both swimmers to the left end, and a difference made earlier is forgotten as fast as
# new ones arise. At $\epsilon_m = 0.1$ and $\epsilon_\pi = 0.5$ both reach the right end, and it even falls again, to 0.081 after forty steps. Chapter 03 has measured
# worlds that do not forget. The ceiling $t\,\epsilon_m'$ knows nothing of forgetting; this is one of the places where
# $C$ becomes so large.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="bd45b5a9"
# 曲线是想象状态的分布与真实状态的分布之间的全变差距离随时间的变化，两边用的都是偏移后的策略。点线是引理 B.2 的上限 $t\,\epsilon_m'$。
#
# <details><summary>看到了什么</summary>
#
# $\epsilon_m = 0$ 时，无论 $\epsilon_\pi$ 是多少，曲线始终为零：模型完全准确，策略偏得再远也没有误差。而当 $\epsilon_\pi$
# *严格等于* 0、$\epsilon_m > 0$ 时，曲线照样上升：$\epsilon_m = 0.1$ 时，一步之后是 0.018，五步之后 0.093{{drift[3] | .3f}}，四十步之后 0.189{{drift[5] | .3f}}。
# 所以，复合误差是模型误差随时间的后果，不是策略偏移的别名。
#
# 在这条河里它不会一直增长：水流把两边的人都冲向左端，新的差别不断产生，旧的差别也同样快地被“淡忘”。$\epsilon_m = 0.1$、$\epsilon_\pi = 0.5$ 时，两边的人都游到了右端，它甚至会回落，四十步之后降到
# 0.081。第 03 章已经测量过不会淡忘的世界。上限 $t\,\epsilon_m'$ 对“淡忘”一无所知，$C$ 之所以那么大，这是原因之一。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Why $C$ is so large, layer by layer
#
# Between the true gap and $C$ lie four steps of the proof. Each puts something that is easier to know in the place of
# something harder; on the river none makes the bound smaller.
#
# 1. *The true gap* $\lvert\hat\eta[\pi] - \eta[\pi]\rvert = \lvert\sum_t \gamma^t\, (\hat d_t - d_t)\cdot r_\pi\rvert$,
#    where $d_t$ and $\hat d_t$ are the laws of the real and of the imagined state and $r_\pi$ the policy's mean reward.
# 2. *Distance of state laws.* Forget where the rewards are. If $\Delta$ is the difference between the largest and the
#    smallest reward, then $\lvert(\hat d_t - d_t)\cdot r_\pi\rvert \le \Delta\, D_{TV}(\hat d_t \,\Vert\, d_t)$, and the
#    bound is $\Delta\sum_t \gamma^t\, D_{TV}(\hat d_t \,\Vert\, d_t)$.
# 3. *Growth by $\epsilon_m'$ a step.* Forget that the river forgets. By lemma B.2 the distance is at most
#    $t\,\epsilon_m'$, and the bound is $\Delta\,\gamma\,\epsilon_m'/(1-\gamma)^2$.
# 4. *$\epsilon_m + 2\epsilon_\pi$ instead.* $\epsilon_m'$ has to be measured where $\pi$ goes, and the data are from where
#    $\pi_D$ goes. The detour through $\eta[\pi_D]$ puts $\epsilon_m + 2\epsilon_\pi$ in its place, and adds the immediate term:
#    $\Delta\,(\gamma\,\epsilon_m + 2\epsilon_\pi)/(1-\gamma)^2$.
# 5. *$2 r_{\max}$ instead.* The theorem allows rewards between $-r_{\max}$ and $r_{\max}$, so it puts $2 r_{\max}$ for $\Delta$.
#    The river's lie between 0 and $r_{\max}$: here one factor of two is given away for nothing.
#
# Layers 2 to 5 each bound the gap in every world. Only the order of layers 3 and 4 is not the same everywhere:
# where $\pi$ leads to places that $\pi_D$ never saw, $\epsilon_m'$ can be the larger. On the river it never is.
#
# In the lab every layer is exact. The numbers on the right are in units of return; a factor says how many times a layer
# is the one above it.
#
# **Predict.** At the start, which of the four steps loses the largest factor? Which factors grow with $\gamma$, and which
# step costs nothing at $\epsilon_\pi = 0$?

# %% [markdown] tags=["lang-zh"] twin="9a429bbf"
# ## $C$ 为什么这么大：一层一层拆开
#
# 从真实差距到 $C$，证明走了四步。每一步都用更容易知道的量，换掉更难知道的量；在这条河上，没有一步会使界变小。
#
# 1. *真实差距* $\lvert\hat\eta[\pi] - \eta[\pi]\rvert = \lvert\sum_t \gamma^t\, (\hat d_t - d_t)\cdot r_\pi\rvert$，其中
#    $d_t$ 和 $\hat d_t$ 是真实状态与想象状态的分布，$r_\pi$ 是策略的平均奖励。
# 2. *状态分布的距离。* 不再管奖励在哪里。设 $\Delta$ 是最大奖励与最小奖励之差，则 $\lvert(\hat d_t - d_t)\cdot r_\pi\rvert \le
#    \Delta\, D_{TV}(\hat d_t \,\Vert\, d_t)$，界是 $\Delta\sum_t \gamma^t\, D_{TV}(\hat d_t \,\Vert\, d_t)$。
# 3. *每步增长 $\epsilon_m'$。* 不再管河流会“淡忘”。按引理 B.2，距离至多是 $t\,\epsilon_m'$，界是
#    $\Delta\,\gamma\,\epsilon_m'/(1-\gamma)^2$。
# 4. *换成 $\epsilon_m + 2\epsilon_\pi$。* $\epsilon_m'$ 要在 $\pi$ 所到之处测量，数据却来自 $\pi_D$ 所到之处。绕道 $\eta[\pi_D]$ 之后，
#    $\epsilon_m'$ 换成了 $\epsilon_m + 2\epsilon_\pi$，还添上当步产生的那一项：$\Delta\,(\gamma\,\epsilon_m + 2\epsilon_\pi)/(1-\gamma)^2$。
# 5. *换成 $2 r_{\max}$。* 定理允许奖励介于 $-r_{\max}$ 与 $r_{\max}$ 之间，所以用 $2 r_{\max}$ 代替 $\Delta$。而这条河的奖励介于 0 与 $r_{\max}$
#    之间，在这里凭空多出一个因子二。
#
# 后四个量在任何世界里都是真实差距的上界。只有第三层与第四层的先后不是处处如此：如果 $\pi$ 会去 $\pi_D$ 从未见过的地方，$\epsilon_m'$ 可以更大。在这条河上从不这样。
#
# 下面的交互实验里，每一层都是精确的。右边的数以回报为单位；“倍数”是一层与上面一层之比。
#
# **先预测。** 滑块在初始位置时，四步中哪一步放大得最多？$\gamma$ 增大时，哪几个倍数会变大？$\epsilon_\pi = 0$ 时，哪一步没有任何损失？

# %% named="layers"
from mbpo_teach.widgets.looseness import looseness_lab

looseness_lab()

# %% [markdown] tags=["lang-en"]
# Red is the true gap, dark blue $C$, and between them are the layers, as shares of the trivial level on a logarithmic
# scale: equal differences in length are equal factors.
#
# <details><summary>What was seen</summary>
#
# From the true gap of 0.011{{layers[0] | .3f}} the first step goes to 0.070{{layers[1] | .3f}}, the second to
# 0.416{{layers[2] | .3f}}, the third to 1.4{{layers[3] | .1f}}, the fourth to $C = 2.8${{layers[5] | .1f}}. The factors are
# 6.4, 5.9, 3.4 and 2. So no single step is to blame, and a better $\epsilon_m$ would mend neither of the first two.
#
# - Step one is so large because a swimmer who mostly drifts seldom sees the right end: imagined and real states differ, but
#   mostly where nothing is paid. At $\epsilon_m = 0.25$ and $\epsilon_\pi = 0.5$ its factor is 1: then all that the model
#   moves wrongly, it moves to the paid end.
# - The first factor grows with $\gamma$, to 15.5 at $\gamma = 0.95$. The second stays between 5.3 and 5.5 up to
#   $\gamma = 0.7$, and then grows, to 12.7. Later times weigh more where $\gamma$ is larger: by then few swimmers are left at the paid
#   end, which is the first factor, and the distance has long stopped growing, which is the second. The third falls, to 3.0;
#   the fourth is always 2.
# - At $\epsilon_\pi = 0$ the third step costs nothing, for then $\epsilon_m' = \epsilon_m$. With a perfect model and
#   $\epsilon_\pi > 0$ it alone makes a bound out of nothing: the first three layers are zero, and $C$ is not. That step is what measuring $\epsilon_m'$ would save.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="cc5cad1e"
# 红色是真实差距，深蓝是 $C$，中间是各层，都以占平凡界的比例画在对数刻度上：长度相差相同，倍数就相同。
#
# <details><summary>看到了什么</summary>
#
# 真实差距是 0.011{{layers[0] | .3f}}，第一步之后是 0.070{{layers[1] | .3f}}，第二步之后是 0.416{{layers[2] | .3f}}，第三步之后是
# 1.4{{layers[3] | .1f}}，第四步之后就是 $C = 2.8${{layers[5] | .1f}}。倍数依次是 6.4、5.9、3.4 和 2。可见不是哪一步独自造成的；而前两步，即使
# $\epsilon_m$ 更小也改善不了。
#
# - 第一步放大这么多，是因为大半时间顺流而下的人很少到达最右端：想象的状态与真实的状态不同，但多半不同在没有奖励的地方。$\epsilon_m = 0.25$、$\epsilon_\pi = 0.5$
#   时，它的倍数是 1：模型移错的概率全都移到了有奖励的那一端。
# - $\gamma$ 增大时，第一个倍数一路变大，$\gamma = 0.95$ 时是 15.5；第二个在 $\gamma = 0.7$ 以前始终在 5.3 与 5.5 之间，此后才变大，升到 12.7。$\gamma$ 越大，较晚的时刻越有分量：那时留在有奖励一端的人已经很少，这是第一个倍数；距离也早已不再增长，这是第二个。第三个降到 3.0，第四个始终是 2。
# - $\epsilon_\pi = 0$ 时第三步没有损失，因为这时 $\epsilon_m' = \epsilon_m$。模型完全准确而 $\epsilon_\pi > 0$ 时，界完全是这一步无中生有的：前三层都是零，$C$ 却不是。测量 $\epsilon_m'$，省下的正是这一步。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## More data, smaller $\epsilon_m$
#
# On a table the model can be learned by counting: $\hat p(s'\mid s,a)$ is the share of visits to $(s, a)$ that led to
# $s'$; a pair never tried gets the uniform distribution. Its *exact* error can then be computed, which no learner could
# do, for lack of $p$. Twenty walks of $\pi_D$, each of 10,000 steps, starting anew with probability $1-\gamma$ after
# each step; the model is counted from the first $n$.
#
# **Predict.** By which factor does $\epsilon_m$ shrink when $n$ grows a hundredfold?

# %% [markdown] tags=["lang-zh"] twin="f44afecf"
# ## 数据越多，$\epsilon_m$ 越小
#
# 在表格型问题上，模型可以靠计数学到：$\hat p(s'\mid s,a)$ 就是访问 $(s, a)$ 之后到达 $s'$ 的比例；从未试过的状态—动作对用均匀分布。这样一来，它的*精确*误差可以算出来，
# 而学习器做不到，因为它不知道 $p$。下面让 $\pi_D$ 走二十遍，每遍一万步，
# 每步之后以概率 $1-\gamma$ 重新出发，用前 $n$ 步计数得到模型。
#
# **先预测。** $n$ 增加到一百倍，$\epsilon_m$ 会缩小到几分之一？

# %% named="counted"
from mbpo_teach.tables import counting
from mbpo_teach.figures.samples import error_by_samples
from mbpo_teach.ground.seeding import generator

counts = np.geomspace(10, 10_000, 13).astype(int)
errors = np.empty((20, len(counts)))
for seed in range(20):
    walk = counting.sample_transitions(
        world, data_policy, count=10_000, rng=generator(seed, "walk")
    )
    for column, n in enumerate(counts):
        counted = counting.count_model(*(part[:n] for part in walk), state_count=6, action_count=2)
        errors[seed, column] = exact.model_error(world, counted, data_policy)
error_by_samples(counts, errors)

# %% [markdown] tags=["lang-en"]
# The exact model error of the counted model against the number of transitions, both axes logarithmic: the line is the
# median of twenty walks, the band holds the middle 80 %. The dashed line falls as $1/\sqrt n$.
#
# <details><summary>What was seen</summary>
#
# From a hundred transitions on, the error follows $1/\sqrt n$: a hundred times the data, a tenth of the error. Before that
# it falls faster, while pairs are still being met for the first time. At 10,000 transitions it is about
# 0.008{{counted[3] | .3f}}. At this $\gamma$, 0.8, that is little: the model error alone makes $C$ vacuous only from
# $(1-\gamma)/\gamma = 0.25$ on. At $\gamma = 0.99$ the limit is 0.0101. The same experiment there, where walks start anew less
# often, ends at a median of 0.0110; in 4 of the 20 walks the error is below the limit. So ten thousand steps in a world
# of six places are not quite enough for $C$ to say anything at $\gamma = 0.99$, and if it does, then only about policies
# within 0.001 of $\pi_D$.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="f39e311b"
# 图中是计数模型的精确误差随转移数的变化，两个坐标轴都是对数刻度：实线是二十遍的中位数，色带包含中间的 80%，虚线按 $1/\sqrt n$ 下降。
#
# <details><summary>看到了什么</summary>
#
# 从一百条转移开始，误差按 $1/\sqrt n$ 下降：数据多一百倍，误差降到十分之一。在那之前降得更快，因为还有状态—动作对是头一回遇到。一万条转移时误差约为
# 0.008{{counted[4] | .3f}}。这里 $\gamma = 0.8$，这个误差算小的：仅凭模型误差，要达到 $(1-\gamma)/\gamma = 0.25$ 才会使 $C$ 空洞。$\gamma = 0.99$
# 时限度是 0.0101。在那里做同样的实验，重新出发的次数少得多，误差的中位数是 0.0110，二十遍中只有 4 遍低于限度。也就是说，在一个只有六个位置的世界里走一万步，
# $\gamma = 0.99$ 时还不太够让 $C$ 说出点什么；就算够了，说的也只是与 $\pi_D$ 相距不到 0.001 的策略。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## "Monotonic improvement", read with care
#
# The paper reads theorem 4.1 so: *if the return in the model improves by more than $C$, the true return improves.* That is
# true. Write the improvement as a gain over what is known, the true return of the data-collecting policy:
# if $\hat\eta[\pi] - \eta[\pi_D] > C$, then $\eta[\pi] \ge \hat\eta[\pi] - C > \eta[\pi_D]$.
#
# But can the condition ever hold? The second step of the proof above says
# $\hat\eta[\pi] - \eta[\pi_D] \le B(\epsilon_m, \epsilon_\pi)$, and $C = B(0, \epsilon_\pi) + B(\epsilon_m, \epsilon_\pi)$.
# Hence
#
# $$\hat\eta[\pi] - \eta[\pi_D] \;\le\; C - B(0, \epsilon_\pi) \;=\; C - \frac{2 r_{\max}\,\epsilon_\pi}{(1-\gamma)^2}
#   \;<\; C \qquad\text{for every } \epsilon_\pi > 0.$$
#
# The gain that the model can show is *always* smaller than $C$. Measured from $\eta[\pi_D]$, theorem 4.1 accepts no step
# away from the data, in any world, with any model, a perfect one included.
#
# Nor does it help to measure the gain inside the model, from $\hat\eta[\pi_D]$. Model and model have no model error, so by the
# same lemma $\hat\eta[\pi] - \hat\eta[\pi_D] \le B(0, \epsilon_\pi)$, and that is at most half of $C$.
#
# The paper itself concedes in section 4.2 that a policy whose improvement exceeds $C$ *may not* exist when the model error
# is large. The derivation above is ours, and it says more: measured from $\eta[\pi_D]$ there is never one, however
# small the model error is.
#
# The lab shows the gain as a share of $C$. A step would be accepted in the green zone above 1. The black line is the
# ceiling just proved. On the right, 1,500 random worlds with random models; in each, the policy moves towards the one
# that is greedy in the model for the values of $\pi_D$.
#
# **Predict.** Which setting of the sliders brings the gain closest to $C$?

# %% [markdown] tags=["lang-zh"] twin="377b79bf"
# ## “单调提升”要读仔细
#
# 论文这样解读定理 4.1：*只要模型里的回报提升超过 $C$，真实回报就会提升*；这就是所谓的“单调性保障”。这句话是对的。以已知的 $\eta[\pi_D]$ 为基准来计增益：若
# $\hat\eta[\pi] - \eta[\pi_D] > C$，则 $\eta[\pi] \ge \hat\eta[\pi] - C > \eta[\pi_D]$。
#
# 但是，这个条件有可能成立吗？上面证明的第二步说 $\hat\eta[\pi] - \eta[\pi_D] \le B(\epsilon_m, \epsilon_\pi)$，而
# $C = B(0, \epsilon_\pi) + B(\epsilon_m, \epsilon_\pi)$，因此
#
# $$\hat\eta[\pi] - \eta[\pi_D] \;\le\; C - B(0, \epsilon_\pi) \;=\; C - \frac{2 r_{\max}\,\epsilon_\pi}{(1-\gamma)^2}
#   \;<\; C \qquad\text{对一切 } \epsilon_\pi > 0.$$
#
# 模型所能显示的增益*永远*小于 $C$。以 $\eta[\pi_D]$ 为基准，无论什么世界、什么模型，哪怕模型完全准确，定理 4.1 都不接受任何偏离数据的策略更新，一次也不行。
#
# 改在模型内部计增益，以 $\hat\eta[\pi_D]$ 为基准，也无济于事。两边是同一个模型，没有模型误差，由同一个引理，
# $\hat\eta[\pi] - \hat\eta[\pi_D] \le B(0, \epsilon_\pi)$，至多是 $C$ 的一半。
#
# 论文自己在 4.2 节承认：模型误差大时，提升超过 $C$ 的策略*可能*不存在。上面的推导是本课程的，说得更强：以 $\eta[\pi_D]$ 为基准，无论模型误差多小，这样的策略*从不*存在。
#
# 下面的交互实验画出增益占 $C$ 的比例。只有到了 1 以上的绿色区域，策略更新才会被接受；黑线是刚刚证明的上限。右图是 1,500 个随机世界和随机模型，每个世界里的策略都朝着贪心策略移动，贪心是就 $\pi_D$ 在模型中的价值而言的。
#
# **先预测。** 滑块怎样设置，增益才最接近 $C$？

# %%
from mbpo_teach.widgets.no_step import no_step_lab

no_step_lab()

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# On the river the gain comes closest at $\epsilon_m = 0.25$, $\epsilon_\pi = 0.5$ and $\gamma = 0.55$, with the most hopeful
# model and the largest step, and there it is 5.3 % of $C$. The random worlds come closer, up to about 27 %, and stay below
# the black line, as they must. No setting brings a gain into the green zone.
#
# This is not a flaw of the river or of the sliders, and more data would not help: with $\epsilon_m = 0$ the ceiling is
# one half of $C$. That is as far as the theorem goes. Where it is not vacuous it says that the two returns
# cannot differ arbitrarily; which step is safe it cannot say.
#
# </details>
#
# Chapter 05 has a bound that does accept steps, if the model is good and $\gamma$ small: theorem 4.3. What buys its
# guarantee is $\epsilon_m'$, the model error measured under the *current* policy, in place of $\epsilon_m + 2\epsilon_\pi$:
# the third step of the layers above is not taken. Theorem 4.3 is about rollouts that **branch** from real states;
# chapter 05 asks what the branches themselves add.

# %% [markdown] tags=["lang-zh"] twin="3559f750"
# <details><summary>看到了什么</summary>
#
# 在这条河上，$\epsilon_m = 0.25$、$\epsilon_\pi = 0.5$、$\gamma = 0.55$ 时增益最接近 $C$，也就是模型最乐观、策略更新最大的时候，那里是 $C$ 的 5.3%。随机世界里要近一些，
# 最高约 27%，而且都在黑线以下，本该如此。没有哪种设置能把增益送进绿色区域。
#
# 这不是河流或滑块的毛病，数据再多也没有用：$\epsilon_m = 0$ 时，上限也只有 $C$ 的一半。定理能做到的就是这些：在它不空洞的地方，它说明两个回报不会相差任意远；哪一次更新是安全的，它说不出来。
#
# </details>
#
# 第 05 章有一个确实能接受策略更新的界，即定理 4.3，条件是模型够好、$\gamma$ 够小。它的保证来自 $\epsilon_m'$，即在*当前*策略之下测量的模型误差，而不是
# $\epsilon_m + 2\epsilon_\pi$：上面分层时的第三步，它没有走。定理 4.3 说的是从真实状态**分支**的推演；分支本身又带来什么，第 05 章会问个清楚。

# %% [markdown] tags=["lang-en"]
# ## Quiz
#
# **1. A model is perfect, $\epsilon_m = 0$. Is $C$ zero?**
#
# <details><summary>Answer</summary>
#
# Only if $\epsilon_\pi = 0$ as well. $\epsilon_m$ is measured where $\pi_D$ goes; for all the theorem knows, the model may
# be wrong where $\pi$ goes. What remains is $4 r_{\max}\,\epsilon_\pi/(1-\gamma)^2$.
#
# </details>
#
# **2. At $\gamma = 0.99$ a colleague reports $\epsilon_m = 0.05$ and $\epsilon_\pi = 0.1$, and concludes from theorem 4.1
# that the policy is safe because its model return rose by 50 (with $r_{\max} = 1$). What do you answer?**
#
# <details><summary>Answer</summary>
#
# $C = 2\,(0.99 \cdot 0.05 + 0.2)/0.01^2 = 4990$, and no two returns differ by more than 200. The bound is vacuous, about
# 25 times over. And however good the model, the theorem could not have accepted the step: inside the model, too,
# no gain exceeds half of its $C$.
#
# </details>
#
# **3. Rollouts in the model drift away from real trajectories even though the policy has not changed since the data were
# collected. Which symbol is responsible?**
#
# <details><summary>Answer</summary>
#
# $\epsilon_m$, together with the number of steps. $\epsilon_\pi$ is zero by assumption. The drift is compounding error.
#
# </details>
#
# **4. Somebody measures "$\epsilon_m$" of a neural network model of Pendulum-v1, a deterministic simulator. Why is that
# number not the paper's $\epsilon_m$?**
#
# <details><summary>Answer</summary>
#
# The true next state is a single point, and a Gaussian gives every single point probability zero: the total variation
# between the two is 1, for every Gaussian model. What can be measured is a proxy, for example a normalised $k$-step
# error, and a proxy must not be put into the theorem.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="273bdfb1"
# ## 小测
#
# **1. 模型完全准确，$\epsilon_m = 0$。$C$ 等于零吗？**
#
# <details><summary>答案</summary>
#
# 只有 $\epsilon_\pi$ 也为零时才是。$\epsilon_m$ 是在 $\pi_D$ 所到之处度量的；定理并不知道模型在 $\pi$ 所到之处准不准。剩下的是
# $4 r_{\max}\,\epsilon_\pi/(1-\gamma)^2$。
#
# </details>
#
# **2. $\gamma = 0.99$ 时，同事报告 $\epsilon_m = 0.05$、$\epsilon_\pi = 0.1$，模型回报上升了 50（$r_{\max} = 1$），于是根据定理 4.1
# 断定新策略是安全的。你怎么回答？**
#
# <details><summary>答案</summary>
#
# $C = 2\,(0.99 \cdot 0.05 + 0.2)/0.01^2 = 4990$，而任意两个回报之差不超过 200。这个界是空洞的，超出约 25 倍。何况模型再好，定理也不可能接受这次更新：在模型内部计的增益，同样从不超过 $C$ 的一半。
#
# </details>
#
# **3. 收集数据之后策略一直没有变，模型里的推演却还是渐渐偏离真实轨迹。该由哪个符号负责？**
#
# <details><summary>答案</summary>
#
# $\epsilon_m$，加上步数。按假设 $\epsilon_\pi$ 为零。这种偏离就是复合误差。
#
# </details>
#
# **4. 有人测量了 Pendulum-v1（确定性的仿真器）的神经网络模型的“$\epsilon_m$”。为什么这个数不是论文里的 $\epsilon_m$？**
#
# <details><summary>答案</summary>
#
# 真实的下一状态是一个点，而高斯分布给任何一个点的概率都是零：不管用什么高斯模型，两者的全变差距离都是 1。能测量的只是代理量，例如归一化的 $k$ 步误差；代理量不能代入定理。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Take-aways
#
# - Theorem 4.1: $\eta[\pi] \ge \hat\eta[\pi] - C$ with $C = 2 r_{\max}(\gamma\epsilon_m + 2\epsilon_\pi)/(1-\gamma)^2$.
#   One term accumulates model error and policy shift over time; the other is the policy shift's own.
# - $\epsilon_m$ is a one-step error under the data-collecting policy, $\epsilon_\pi$ a distance between policies.
#   Compounding error is a consequence of $\epsilon_m$ and of time.
# - $C$ says nothing once $\gamma\epsilon_m + 2\epsilon_\pi \ge 1-\gamma$. At $\gamma = 0.99$ that is one percent.
# - At the lab's first setting $C$ is about 250 times the true gap. The proof forgets where the rewards are, that a world forgets, what
#   $\epsilon_m'$ is, and the sign of the rewards; each costs its factor.
# - Measured from $\eta[\pi_D]$, theorem 4.1 accepts no step away from the data. A guarantee that accepts steps needs
#   $\epsilon_m'$, the model error under the current policy.
#
# ## References
#
# 1. M. Janner, J. Fu, M. Zhang, S. Levine. *When to Trust Your Model: Model-Based Policy Optimization.* NeurIPS 2019,
#    [arXiv 1906.08253](https://arxiv.org/abs/1906.08253). Theorem 4.1 in section 4.1, what it cannot promise in section
#    4.2, its proof in appendix A, lemmas B.2 and B.3 in appendix B, whose text says KL where its proofs use total
#    variation.
# 2. A. Strehl, M. Littman. *An analysis of model-based interval estimation for Markov decision processes.* Journal of
#    Computer and System Sciences 74, 2008. RiverSwim; the probabilities, rewards and start here are our variant.
# 3. R. Sutton, A. Barto. *Reinforcement Learning: An Introduction*, second edition, MIT Press 2018. Section 4.1 for the
#    Bellman equation as a linear system.
#
# **Next:** [05 Branched rollouts](05_branched_rollout.ipynb), where theorem 4.3 does accept steps.

# %% [markdown] tags=["lang-zh"] twin="b862099c"
# ## 要点
#
# - 定理 4.1：$\eta[\pi] \ge \hat\eta[\pi] - C$，其中 $C = 2 r_{\max}(\gamma\epsilon_m + 2\epsilon_\pi)/(1-\gamma)^2$。一项是模型误差和策略偏移随时间的累积，另一项来自策略偏移自身。
# - $\epsilon_m$ 是收集数据的策略之下的单步误差，$\epsilon_\pi$ 是两个策略之间的距离。复合误差是 $\epsilon_m$ 随时间的后果。
# - 一旦 $\gamma\epsilon_m + 2\epsilon_\pi \ge 1-\gamma$，$C$ 就是空洞的。$\gamma = 0.99$ 时，这只是百分之一。
# - 在交互实验的初始设置下，$C$ 约为真实差距的 250 倍。证明不管奖励在哪里，不管世界会淡忘，不知道 $\epsilon_m'$，也不管奖励的正负；每一项都让界成倍变大。
# - 以 $\eta[\pi_D]$ 为基准，定理 4.1 不接受任何偏离数据的策略更新。能接受更新的保证需要 $\epsilon_m'$，即当前策略下的模型误差。
#
# ## 参考文献
#
# 1. M. Janner, J. Fu, M. Zhang, S. Levine. *When to Trust Your Model: Model-Based Policy Optimization.* NeurIPS 2019,
#    [arXiv 1906.08253](https://arxiv.org/abs/1906.08253)。定理 4.1 见 4.1 节，它不能保证什么见 4.2 节，证明见附录 A，引理 B.2
#    和 B.3 见附录 B；附录 B 的文字写的是 KL 散度，证明用的是全变差距离。
# 2. A. Strehl, M. Littman. *An analysis of model-based interval estimation for Markov decision processes.* Journal of
#    Computer and System Sciences 74, 2008。RiverSwim 出自这里；本章的概率、奖励和起点是我们的变体。
# 3. R. Sutton, A. Barto. *Reinforcement Learning: An Introduction*, 第二版, MIT Press 2018。把贝尔曼方程看作线性方程组，见 4.1 节。
#
# **下一章：**[05 分支推演](05_branched_rollout.ipynb)，那里的定理 4.3 确实能接受一些更新。
