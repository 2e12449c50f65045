# %% [markdown] tags=["lang-en"]
# # 05 · Branch from where you have been, briefly
#
# Chapter 03: errors grow with every imagined step. Chapter 04: theorem 4.1 accepts no step away from the data. Both
# point to the same way out. Start imagining where you have really been, and stop soon. How soon is the question of this
# chapter.
#
# | | |
# |---|---|
# | **Objectives** | Define the branched return $\eta_k$ and compute it; say where both parts of theorem 4.3's penalty come from; derive $k^*$ and name the limits of that guidance; say which errors may be measured where; write a branched rollout and a schedule for $k$. |
# | **Prerequisites** | Chapter 04 (total variation, $\epsilon_m$, $\epsilon_\pi$, $C$); chapter 03 for the measured error; NumPy. |
# | **Reading time** | 75 minutes |
# | **Run time** | about 20 s on two cores |
# | **Language** | English · [中文](../zh/05_branched_rollout.ipynb) |

# %% [markdown] tags=["lang-zh"] twin="bb0a83f7"
# # 05 · 从去过的地方分支，只走几步
#
# 第 03 章：每多想象一步，误差就多长一点。第 04 章：定理 4.1 不接受任何离开数据的一步。两者指向同一条出路：从真正去过的地方开始想象，走几步就停。该走几步，就是本章的问题。
#
# | | |
# |---|---|
# | **学习目标** | 定义并计算分支推演回报 $\eta_k$；说清定理 4.3 的惩罚项中两部分各从何而来；推导 $k^*$，并说出这一指导的局限；说清哪些误差可以在哪里测量；写出一个分支推演和 $k$ 的日程。 |
# | **预备知识** | 第 04 章（全变差距离、$\epsilon_m$、$\epsilon_\pi$、$C$）；测得的误差见第 03 章；NumPy。 |
# | **阅读时间** | 75 分钟 |
# | **运行时间** | 双核机器上约 20 秒 |
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
# steps, instead of from the start of an episode to its end. The errors do not get the time to compound. The price is
# that the states in which a branch begins are those of the policy that collected the data, and not of the one we want to
# improve. The length $k$ decides between the two, so it is MBPO's most important setting: long branches give more
# imagined experience, and experience more like the current policy's, for each real step; short ones give experience that
# can be trusted.

# %% [markdown] tags=["lang-zh"] twin="01cc3372"
# ## 一张图说明想法
#
# ![摆的真实轨迹，贴着它的短分支，以及渐渐偏离的完整想象推演](../../Illustrations/分支推演示意图.png)
#
# 黑线是真实的：以角度和角速度为坐标的一个摆，一个简单的策略让它越荡越高。一个小的模型集成只用 200 条随机的转移训练而成。虚线是完整推演：用同一个策略，从轨迹的起点出发，一路想象下去。转过一圈，它们已经落到轨迹旁边；到最后，真实的摆荡了回来，它们却大多翻过了顶（$2\pi$ 处）。蓝色短线是**分支**：从圆点，也就是真实访问过的状态出发，各想象六步。两者出自同一个模型。
#
# **分支推演**的全部想法就在这里：使用模型时，从真实访问过的状态出发，只走几步，而不是从回合的开头走到结尾。误差来不及累积成复合误差。代价是：分支开始处的状态来自收集数据的策略，而不是我们想要改进的那个策略。在两者之间取舍的是长度 $k$，所以它是 MBPO 最重要的超参数：分支长，每一步真实的交互就能换来更多的想象经验，也更像当前策略的经验；分支短，经验才靠得住。

# %% [markdown] tags=["lang-en"]
# ## The branched return $\eta_k$
#
# To say what a length costs, the paper describes a process. Up to $k$ steps before time $t$, the data-collecting policy
# $\pi_D$ acts in the real world. The last $k$ steps are those of the current policy $\pi$ in the model. So the state at
# time $t$ has run $\pi_D$ for real for $\max(t-k, 0)$ steps, then $\pi$ in the model for $\min(t, k)$; its action comes
# from $\pi$. (For $k = 0$ the model is not used at all and the action comes from $\pi_D$.) The **branched return**
# $\eta_k[\pi]$ is the discounted sum of expected rewards in this process.
#
# We go back to chapter 04's river, with a shift of $\epsilon_\pi = 0.1$ towards always right, and with as much of the
# hopeful river in the model as makes $\epsilon_m' = 0.01$. Recall that $\epsilon_m'$ is the model error where the
# *current* policy goes.
#
# **Predict.** Which return is $\eta_0$? Which one does $\eta_k$ approach as $k$ grows?

# %% [markdown] tags=["lang-zh"] twin="c3c6914a"
# ## 分支推演回报 $\eta_k$
#
# 要说清长度的代价，论文描述了这样一个过程：到时刻 $t$ 之前 $k$ 步为止，收集数据的策略 $\pi_D$ 在真实环境中行动；最后 $k$ 步，则由当前策略 $\pi$ 在模型中走。也就是说，时刻 $t$ 的状态先由 $\pi_D$ 真实地走 $\max(t-k, 0)$ 步，再由 $\pi$ 在模型中走 $\min(t, k)$ 步，动作由 $\pi$ 给出。（$k = 0$ 时完全不用模型，动作由 $\pi_D$ 给出。）这个过程中奖励的期望逐步打折求和，就是**分支推演回报** $\eta_k[\pi]$。
#
# 回到第 04 章的河：策略向“一直向右”偏移 $\epsilon_\pi = 0.1$，模型里掺入乐观的河，掺到 $\epsilon_m' = 0.01$ 为止。$\epsilon_m'$ 是在*当前*策略所到之处度量的模型误差。
#
# **先预测。** $\eta_0$ 是哪个回报？$k$ 增大时，$\eta_k$ 趋于哪个回报？

# %%
import numpy as np

from mbpo_teach.theory import bounds
from mbpo_teach.theory import exact
from mbpo_teach.tables import mdp
from mbpo_teach.tables import river

world = river.river_swim(gamma=0.9)
data_policy = np.full((6, 2), 0.5)
policy = exact.mixture(data_policy, river.swim_right(), 0.2)
share = 0.01 / exact.model_error(world, river.hopeful_model(), policy)
model = exact.mixture(world.transition, river.hopeful_model(), share)


# %% tags=["nbval-check-output"]
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
# branched return is the model return of the new one. Somewhere between, at $k = 9$, it comes close to the number that we
# would like to know, $\eta[\pi] = 0.4505$.
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
# The paper's lemma B.4 adds one more term, $\epsilon_\pi$ for the action itself, which is the old policy's at $k = 0$:
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
# - *Model error.* Every imagined step can go wrong with chance $\epsilon_m'$, at each of the $k$ steps of the branch.
#
# *Two misprints.* The paper's main text takes the expectation in $\epsilon_m'$ under $\pi_D$; appendix A.2 takes it under
# $\pi$. The appendix is what is meant: under $\pi_D$ it would be $\epsilon_m$ again. And appendices B.2 to B.4 say KL
# divergence where the proofs use total variation.
#
# *An assumption.* All the theorems take the reward as known. MBPO's model predicts it too, and no $\epsilon$ counts that
# error.
#
# **Theorem 4.2** is the version for someone who knows the model error under $\pi_D$ only. For each imagined step it pays
# $\epsilon_m + 2\epsilon_\pi$ instead of $\epsilon_m'$, and $2\epsilon_\pi/(1-\gamma)$ once. One more step then changes
# the bracket by
#
# $$\frac{\epsilon_m + 2\epsilon_\pi - \gamma^k\epsilon_\pi}{1-\gamma}
#   \;\ge\; \frac{\epsilon_m + \epsilon_\pi}{1-\gamma} \;\ge\; 0 .$$
#
# It never pays. Taken literally, theorem 4.2 says: do not use the model. The authors' way out is to *measure* the error
# on the current policy, and their finding is that it is far smaller than the pessimistic sum.

# %% [markdown] tags=["lang-zh"] twin="56525c12"
# 先是 $\eta_k$，按定义算一遍，再用 `exact.branched_returns` 算一遍，后者解一次线性方程组就得到所有长度。然后依次是 $\eta[\pi_D]$、$\eta[\pi]$ 和 $\hat\eta[\pi]$。可见 $\eta_0$ 是旧策略的真实回报；$k$ 很大时，分支推演回报就是新策略的模型回报。在两者之间的 $k = 9$ 处，它很接近我们真正想知道的数 $\eta[\pi] = 0.4505$。
#
# ## 定理 4.3，以及为什么不用定理 4.2
#
# $\eta_k[\pi]$ 离 $\eta[\pi]$ 有多远？把分支过程与“$\pi$ 始终真实地行动”相比较。在分支点*之前*，环境动态相同，策略相差 $\epsilon_\pi$；在分支点*之后*，策略相同，环境动态相差 $\epsilon_m'$。于是到时刻 $t$，旧策略行动了 $\max(t-k, 0)$ 次，模型走了 $\min(t, k)$ 步。每一次行动使状态的分布至多偏离 $\epsilon_\pi$，每一步想象至多使它偏离 $\epsilon_m'$（以全变差距离计）；两个分布相距 $d$，奖励的期望就至多相差 $2 r_{\max} d$。剩下的只是打折求和：
#
# $$\sum_{t\ge 0} \gamma^t \max(t-k, 0) = \frac{\gamma^{k+1}}{(1-\gamma)^2}, \qquad
#   \sum_{t\ge 0} \gamma^t \min(t, k) \le \frac{k}{1-\gamma}.$$
#
# 论文的引理 B.4 还为动作本身加上一项 $\epsilon_\pi$，因为 $k = 0$ 时动作出自旧策略：
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
# - *模型误差。* 分支的 $k$ 步中，每一步都可能以 $\epsilon_m'$ 的概率走错。
#
# *两处印刷错误。* 论文正文里，$\epsilon_m'$ 的期望是在 $\pi_D$ 之下取的，附录 A.2 则是在 $\pi$ 之下取的。应以附录为准：在 $\pi_D$ 之下，它就又成了 $\epsilon_m$。另外，附录 B.2 至 B.4 写的是 KL 散度，证明里用的却是全变差距离。
#
# *一个前提。* 这些定理都把奖励当作已知的。MBPO 的模型也要预测奖励，这部分误差没有算进任何一个 $\epsilon$。
#
# **定理 4.2** 则是写给只知道 $\pi_D$ 之下模型误差的人的。每想象一步，它付出的代价是 $\epsilon_m + 2\epsilon_\pi$ 而不是 $\epsilon_m'$，另外还要一次性付出 $2\epsilon_\pi/(1-\gamma)$。多走一步，方括号的变化是
#
# $$\frac{\epsilon_m + 2\epsilon_\pi - \gamma^k\epsilon_\pi}{1-\gamma}
#   \;\ge\; \frac{\epsilon_m + \epsilon_\pi}{1-\gamma} \;\ge\; 0 .$$
#
# 永远不划算。照字面理解，定理 4.2 说的是：不要用模型。作者的出路是在当前策略下*测量*误差；他们发现，它远小于那个悲观的和。

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
# Should a branch of $k$ steps take one more? Subtract:
#
# $$\text{penalty}(k+1) - \text{penalty}(k) = \frac{2 r_{\max}}{1-\gamma}\left[\epsilon_m' - \gamma^k\epsilon_\pi\right],$$
#
# because $\gamma^{k+1} - \gamma^k = -(1-\gamma)\,\gamma^k$. The bracket has a plain meaning. One more step costs
# $\epsilon_m'$, and it takes away $\gamma^k\epsilon_\pi$ of the old policy's influence. **Go on as long as
# $\epsilon_m' < \gamma^k\epsilon_\pi$.** The left side stays, the right side shrinks with $k$, so there is one point at
# which to stop, the first $k$ with $\gamma^k\epsilon_\pi \le \epsilon_m'$:
#
# $$k^* = \left\lceil \frac{\ln(\epsilon_m'/\epsilon_\pi)}{\ln\gamma} \right\rceil
#   \quad\text{if } 0 < \epsilon_m' < \epsilon_\pi \text{ and } \gamma > 0.$$
#
# The edges, from the same rule:
#
# - $\epsilon_m' \ge \epsilon_\pi$: the very first step does not pay, $k^* = 0$. In particular for $\epsilon_\pi = 0$.
# - $\epsilon_m' = 0 < \epsilon_\pi$: every step pays, no finite length is best, $k^* = \infty$. (For $\gamma > 0$.)
# - $\gamma = 0$: after the first step nothing is left to gain, so $k^* = 1$ if $\epsilon_m' < \epsilon_\pi$, else 0.
# - A tie, $\epsilon_m' = \gamma^j\epsilon_\pi$: the step from $j$ to $j+1$ changes nothing, and both lengths are best.

# %% [markdown] tags=["lang-zh"] twin="81cb4e40"
# ## 怎样选 $k$：推导出来的指导
#
# 走了 $k$ 步的分支，该不该再走一步？作差：
#
# $$\text{penalty}(k+1) - \text{penalty}(k) = \frac{2 r_{\max}}{1-\gamma}\left[\epsilon_m' - \gamma^k\epsilon_\pi\right],$$
#
# 因为 $\gamma^{k+1} - \gamma^k = -(1-\gamma)\,\gamma^k$。方括号的含义很直白：多走一步，代价是 $\epsilon_m'$，而旧策略的影响减少 $\gamma^k\epsilon_\pi$。**只要 $\epsilon_m' < \gamma^k\epsilon_\pi$，就继续走**。左边不变，右边随 $k$ 缩小，所以只有一个该停下的地方，即第一个满足 $\gamma^k\epsilon_\pi \le \epsilon_m'$ 的 $k$：
#
# $$k^* = \left\lceil \frac{\ln(\epsilon_m'/\epsilon_\pi)}{\ln\gamma} \right\rceil
#   \quad\text{若 } 0 < \epsilon_m' < \epsilon_\pi \text{ 且 } \gamma > 0.$$
#
# 边界情形由同一规则得出：
#
# - $\epsilon_m' \ge \epsilon_\pi$：第一步就不划算，$k^* = 0$。$\epsilon_\pi = 0$ 也属于这种情形。
# - $\epsilon_m' = 0 < \epsilon_\pi$：每一步都划算，没有哪个有限的长度最好，$k^* = \infty$（$\gamma > 0$ 时）。
# - $\gamma = 0$：第一步之后就没有什么可以减少的了，所以 $\epsilon_m' < \epsilon_\pi$ 时 $k^* = 1$，否则为 0。
# - 并列 $\epsilon_m' = \gamma^j\epsilon_\pi$：从 $j$ 走到 $j+1$ 没有变化，两个长度同样好。

# %% tags=["nbval-check-output"]
for gamma, eps_m_prime, eps_pi in ((0.9, 0.01, 0.1), (0.95, 0.02, 0.05), (0.99, 0.01, 0.1)):
    setting = {"gamma": gamma, "eps_m_prime": eps_m_prime, "eps_pi": eps_pi}
    tried = bounds.branched_penalty_on_policy(np.arange(1000), r_max=1.0, **setting)
    best = int(bounds.best_rollout_length(**setting))
    print(f"{tried.argmin():4d} {best:4d}  {tried[best] / (2 / (1 - gamma)):.2f}")

# %% [markdown] tags=["lang-en"]
# The best length by trying a thousand, by the formula, and the penalty there as a share of the trivial level
# $2 r_{\max}/(1-\gamma)$. In the third line the best length is 230, and even there the penalty is 3.29 times the trivial level: the theorem says
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
# 各列依次是：逐一尝试一千个长度找到的最好的一个、公式给出的，以及那里的惩罚项占平凡界 $2 r_{\max}/(1-\gamma)$ 的比例。第三行最好的长度是 230，即使在那里，惩罚项也是平凡界的 3.29 倍：定理不提供信息。
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
# ## Both forces in one figure
#
# Two panels share the axis of $k$, and nothing else.
#
# - *Above*, a measurement: the compounding error $e(k)$ of chapter 03, in Hopper-v5, for the model of 10,000 transitions
#   there, with the spread that its members predict. It is a **proxy**: Hopper is deterministic, and the total variation
#   between a point and a Gaussian is 1, whatever the model. So it has its own axis and enters no theorem.
# - *Below*, in units of return: theorem 4.3's penalty as a stack of its two parts, with $k^*$ marked; theorem 4.2's; the
#   tight variant, which a later section explains; $C$ of theorem 4.1 as a horizontal line, since it knows of no branches; and the grey
#   region from the trivial level on, where a bound says nothing. Its scale is logarithmic.
#
# By hand you set $\epsilon_m$, $\epsilon_\pi$, $\gamma$ and the **slope** with which the model error grows as the policy
# moves away from its data, $\epsilon_m' = \epsilon_m + \epsilon_\pi \cdot d\epsilon_m'/d\epsilon_\pi$; more about it
# below. With the box ticked, the errors are measured instead, on the **tabular twin**: the pendulum cut into 49 states,
# where a model counted from $n$ transitions has an exact $\epsilon_m$ and $\epsilon_m'$. The data policy there mostly
# applies no torque. The sliders of the model errors then show what was measured and cannot be moved, and a red line is
# the exact gap $\lvert\eta - \eta_k\rvert$.
#
# **Predict.** Before you move anything: does $k^*$ rise or fall when $\epsilon_m$ rises, when $\epsilon_\pi$ rises, when
# $\gamma$ rises? Where will the red line run, near the black one, at half its height, or at the bottom?

# %% [markdown] tags=["lang-zh"] twin="fddb339d"
# ## 两股力量，一张图
#
# 上下两幅图共用 $k$ 轴，此外没有共用的东西。
#
# - *上图*是测量：第 03 章的复合误差 $e(k)$，环境是 Hopper-v5，模型就是那里用 10,000 条转移训练的那一个，旁边是各成员预测的分歧。它是**代理量**：Hopper 是确定性的，一个点与高斯分布之间的全变差距离总是 1，不论模型如何。所以它有自己的坐标轴，也不进入任何定理。
# - *下图*以回报为单位：定理 4.3 的惩罚项分成两部分上下叠放，标出 $k^*$；定理 4.2 的惩罚项；更紧的惩罚项，后面有一节解释；定理 4.1 的 $C$ 是一条水平线，因为它不知道什么是分支；从平凡界往上是灰色区域，界在那里不提供信息，刻度改为对数。
#
# 手动时，由你设定 $\epsilon_m$、$\epsilon_\pi$、$\gamma$ 和**斜率**。斜率表示策略离开数据时模型误差增长得多快：$\epsilon_m' = \epsilon_m + \epsilon_\pi \cdot d\epsilon_m'/d\epsilon_\pi$，后文还会谈到。勾选方框之后，误差改为测量值，取自**表格型孪生**：把摆切成 49 个状态，用 $n$ 条转移计数得到的模型在那里有精确的 $\epsilon_m$ 和 $\epsilon_m'$；收集数据的策略大多不施加力矩。这时模型误差的滑块只显示测得的值，不能移动；红线是精确的差距 $\lvert\eta - \eta_k\rvert$。
#
# **先预测。** 动手之前先想一想：$\epsilon_m$ 增大时 $k^*$ 是变大还是变小？$\epsilon_\pi$ 增大呢？$\gamma$ 增大呢？红线会靠近黑线，在它的一半高度，还是贴着底边？

# %%
from mbpo_teach.records import archive
from mbpo_teach.widgets.branches import branches_lab

hopper = archive.load("errors_Hopper-v5").arrays
branches_lab(hopper, world="Hopper-v5", size=10_000)

# %% [markdown] tags=["lang-en"]
# **What was seen.** At the start ($\gamma = 0.9$, $\epsilon_m' = 0.01$, $\epsilon_\pi = 0.1$) the penalty falls from 20 to
# 6.37 at $k^* = 22$, which is 0.32 of the trivial level, and rises again. $C$ is 41.8 and says nothing: branching turns an
# empty statement into one with content. But only with the error measured on the current policy: theorem 4.2's line
# begins at 24, in the grey, and only climbs.
#
# - A larger $\epsilon_m$ shortens the branch: at 0.05, $k^*$ is 7 and the penalty there 0.83 of the trivial level; from
#   $\epsilon_m = 0.1 = \epsilon_\pi$ on, $k^* = 0$.
# - A larger $\epsilon_\pi$ lengthens it, to 33 at 0.3: the more the policy has changed, the less the old states are worth.
# - A larger $\gamma$ lengthens it too, but at $\gamma = 0.95$ the best penalty is already 0.65 of the trivial level, and at
#   0.99, $k^* = 230$ is beyond the picture, with a penalty of 3.29 times the trivial level.
# - On the twin $\epsilon_m'$ decides whether there is a branch at all. With 1,000 or 3,000 transitions it is above
#   $\epsilon_\pi = 0.1$ and $k^* = 0$. With 30,000 it is 0.042 and $k^* = 9$, at 0.76 of the trivial level; with 100,000 it is
#   0.024 and $k^* = 14$, at 0.56.
# - The red line lies at the bottom. The exact gap is below one percent of the penalty at every $k$ shown. The theorem must
#   hold in the worst world with these errors; the twin is not that world.
# - The measured error above rises all along: in the median from 0.024 at $k = 1$ to 0.081 at 5, 0.27 at 20 and 1.8 at 50. The
#   members' spread is less than half of it up to $k = 10$. The theorem puts the *same* $\epsilon_m'$ at every step of a
#   branch. What the upper panel shows is that real imagined states do not stay where the model is good.

# %% [markdown] tags=["lang-zh"] twin="08086169"
# **看到了什么。** 起初（$\gamma = 0.9$，$\epsilon_m' = 0.01$，$\epsilon_\pi = 0.1$），惩罚项从 20 降到 $k^* = 22$ 处的 6.37，即平凡界的 0.32 倍，然后回升。$C$ 是 41.8，不提供信息：分支把一句空话变成了有内容的话。但前提是误差在当前策略下测得：定理 4.2 的线从 24 起，一开始就在灰色区域里，而且只升不降。
#
# - $\epsilon_m$ 越大，分支越短：0.05 时 $k^*$ 为 7，那里的惩罚项是平凡界的 0.83 倍；从 $\epsilon_m = 0.1 = \epsilon_\pi$ 起，$k^* = 0$。
# - $\epsilon_\pi$ 越大，分支越长，0.3 时为 33：策略变得越多，旧的状态就越不值钱。
# - $\gamma$ 越大，分支也越长；但 $\gamma = 0.95$ 时最小的惩罚项已是平凡界的 0.65 倍，0.99 时 $k^* = 230$ 超出了图的范围，那里的惩罚项是平凡界的 3.29 倍。
# - 在孪生上，$\epsilon_m'$ 决定了该不该分支。用 1,000 或 3,000 条转移时，它大于 $\epsilon_\pi = 0.1$，$k^* = 0$。用 30,000 条时，它是 0.042，$k^* = 9$，惩罚项是平凡界的 0.76 倍；用 100,000 条时，它是 0.024，$k^* = 14$，为 0.56 倍。
# - 红线贴着底边。在图中每个 $k$ 处，精确的差距都不到惩罚项的百分之一。对误差相同的世界中最坏的那一个，定理也必须成立；孪生不是那个世界。
# - 上图测得的误差一路上升：中位数在 $k = 1$ 处为 0.024，$k = 5$ 处 0.081，$k = 20$ 处 0.27，$k = 50$ 处 1.8。$k$ 不超过 10 时，成员的分歧不到它的一半。定理在分支的每一步上用的是*同一个* $\epsilon_m'$。上图说明的是：想象出来的状态，并不会停留在模型准确的地方。

# %% [markdown] tags=["lang-en"]
# ## What $k^*$ leaves out
#
# $k^*$ is the best length *for a bound*. Four limits belong to it, and they matter more than the formula.
#
# ### First limit: $\eta_k$ itself depends on $k$
#
# The theorem speaks of $\eta_k - \text{penalty}(k)$, and only the second part was minimised. On a table the branched
# return at every length is exact, so we can ask which $k$ is *truly* best: the one at which $\eta_k$ is closest to $\eta$.
# The lab is the river above; its sliders set exact quantities. With the box ticked the world is the pendulum's twin, with
# the same $\epsilon_m'$ and $\epsilon_\pi$.
#
# **Predict.** At the start $k^* = 22$ for both worlds. Is the truly best length about the same, shorter or longer?

# %% [markdown] tags=["lang-zh"] twin="bfccff4f"
# ## $k^*$ 没有考虑的事
#
# $k^*$ 是*对一个界而言*最好的长度。它有四条局限，比公式本身更要紧。
#
# ### 局限之一：$\eta_k$ 自己也随 $k$ 变化
#
# 定理说的是 $\eta_k - \text{penalty}(k)$，而我们只把后一半取了最小。在表格上，每个长度的分支推演回报都是精确的，于是可以问：*真正*最好的 $k$ 是哪个，也就是 $\eta_k$ 在哪里离 $\eta$ 最近？下面的实验室就是上文的河，滑块设定的是精确的量。勾选方框，世界就换成摆的表格型孪生，$\epsilon_m'$ 和 $\epsilon_\pi$ 不变。
#
# **先预测。** 起初两个世界的 $k^*$ 都是 22。真正最好的长度与它差不多，更短，还是更长？

# %%
from mbpo_teach.widgets.lengths import lengths_lab

lengths_lab()

# %% [markdown] tags=["lang-en"]
# On the left $\eta_k$, zoomed to its own range, with the three returns as horizontal lines. On the right the exact gap and
# the penalties, as shares of the trivial level, on a logarithmic scale; the triangle marks $k^*$, the star the length at
# which the gap is smallest.
#
# **What was seen.** The same errors, the same $k^* = 22$, and the truly best lengths are 9 on the river and beyond 100
# on the twin. On the river $\eta_k$ climbs past $\eta$ after nine steps and goes on to the model's promise; a long branch
# believes the hopeful model. On the twin the model errs without a direction, its mistakes nearly cancel in the return, and
# longer is better throughout, if only by a little after some thirty steps. At $\epsilon_m' = 0.1$ the formula says
# $k^* = 0$ in both worlds, and in both a branch of two steps is far better than none.
#
# The gap is a hundredth of the penalty or less at these settings. Nothing in $k^*$ could know the truly best length: it
# depends on *where* the model errs and in whose favour, and the theorem knows only how much.
#
# ### Second limit: at most settings the bound is vacuous
#
# At $\gamma = 0.99$, $\epsilon_m' = 0.05$ and $\epsilon_\pi = 0.1$, which looks like a setting from a textbook, the smallest
# penalty is 1689.7 at $k^* = 69$, and the trivial level 200. A minimum of a statement without content is no advice.
#
# ### Third limit: the minimum is an artefact of a loose step
#
# At time $t$ at most $\min(t, k)$ imagined steps have been taken, so the model's part of the proof is
# $\sum_t \gamma^t \min(t, k)\,\epsilon_m'$. The proof replaces the sum by $k/(1-\gamma)$, as if the branch had its full
# length from the beginning. Its exact value is $\gamma(1-\gamma^k)/(1-\gamma)^2$. With it, and because the actions are
# $\pi$'s already for $k \ge 1$, the penalty that still holds is
#
# $$\text{tight}(k) = \frac{2 r_{\max}\,\gamma}{(1-\gamma)^2}\left[\gamma^k\,\epsilon_\pi + (1-\gamma^k)\,\epsilon_m'\right],
#   \qquad k \ge 1 .$$
#
# The bracket is a weighted mean of $\epsilon_\pi$ and $\epsilon_m'$, and the weight moves from the first to the second. So
# it goes one way only: down, if $\epsilon_m' < \epsilon_\pi$, for ever; up, if not. **There is no inner minimum.** In both
# labs the dashed green line shows it.

# %% [markdown] tags=["lang-zh"] twin="97d7bf17"
# 左图是 $\eta_k$，按它自身的范围放大，三条水平线是三个回报。右图是精确的差距和惩罚项占平凡界的比例，对数刻度；三角标出 $k^*$，星号标出差距最小的长度。
#
# **看到了什么。** 误差相同，$k^*$ 同为 22，真正最好的长度在河上是 9，在孪生上则超过 100。在河上，$\eta_k$ 走九步就越过了 $\eta$，继续爬向模型的许诺：长的分支相信了乐观的模型。在孪生上，模型的错误没有方向，在回报里几乎互相抵消，所以始终是越长越好，只是三十来步之后好得有限。$\epsilon_m' = 0.1$ 时，公式在两个世界都给出 $k^* = 0$，而在两个世界，走两步都远好于不分支。
#
# 在这些设置下，差距只有惩罚项的百分之一，甚至更小。$k^*$ 不可能知道真正最好的长度：那取决于模型*在哪里*出错、错得对谁有利，而定理只知道错了多少。
#
# ### 局限之二：在多数设置下，界是空洞的
#
# $\gamma = 0.99$、$\epsilon_m' = 0.05$、$\epsilon_\pi = 0.1$，看上去像教科书里的设置，最小的惩罚项却是 $k^* = 69$ 处的 1689.7，而平凡界是 200。一句空话的最小值，算不上建议。
#
# ### 局限之三：极小值出自一步放得过松的推导
#
# 到时刻 $t$，至多想象了 $\min(t, k)$ 步，所以证明中属于模型的部分是 $\sum_t \gamma^t \min(t, k)\,\epsilon_m'$。证明把这个和换成了 $k/(1-\gamma)$，好像分支从一开始就走满了全长。它的精确值是 $\gamma(1-\gamma^k)/(1-\gamma)^2$。用上精确值，再注意到 $k \ge 1$ 时动作已经由 $\pi$ 给出，仍然成立的惩罚项是
#
# $$\text{tight}(k) = \frac{2 r_{\max}\,\gamma}{(1-\gamma)^2}\left[\gamma^k\,\epsilon_\pi + (1-\gamma^k)\,\epsilon_m'\right],
#   \qquad k \ge 1 .$$
#
# 方括号是 $\epsilon_\pi$ 与 $\epsilon_m'$ 的加权平均，权重从前者移向后者。所以它只朝一个方向走：若 $\epsilon_m' < \epsilon_\pi$，就一直下降；否则一直上升。**内部没有极小值**。两个实验室里的绿色虚线画的就是它。

# %% tags=["nbval-check-output"]
setting = {"gamma": 0.9, "r_max": 1.0, "eps_m_prime": 0.01, "eps_pi": 0.1}
for k in (1, 5, 22, 50, 200):
    loose = bounds.branched_penalty_on_policy(k, **setting)
    print(f"{k:3d}  {loose:6.3f}  {bounds.branched_penalty_tight(k, **setting):6.3f}")

# %% [markdown] tags=["lang-en"]
# Length, theorem 4.3's penalty, tight variant. The first has its minimum at 22; the second falls to
# $2 r_{\max}\gamma\,\epsilon_m'/(1-\gamma)^2 = 1.8$.
#
# So if $\epsilon_m'$ were a constant below $\epsilon_\pi$, theory would say: as long as possible. The practical reason for
# short branches is another one.
#
# ### Fourth limit, and the real reason: $\epsilon_m'$ is not a constant
#
# The theorems charge every imagined step with one number. But a step is as wrong as the model is *where it is taken*, and
# imagined states wander off. On the twin this can be followed exactly. The idle policy has collected $n$ transitions; $\pi$
# is the policy that is best *in the model* counted from them, as an agent would choose it. Branches start where the idle
# policy really goes; whole rollouts start where episodes do. Both are imagined with $\pi$.
#
# **Predict.** With 1,000 transitions for 49 states and three actions: does the error that a branch meets stay as it is,
# rise by a few percent, or double? And with 100,000?

# %% [markdown] tags=["lang-zh"] twin="d4b623bc"
# 各列依次是长度、定理 4.3 的惩罚项、更紧的惩罚项。前者在 22 处最小；后者一直下降，趋于 $2 r_{\max}\gamma\,\epsilon_m'/(1-\gamma)^2 = 1.8$。
#
# 可见，假如 $\epsilon_m'$ 是一个小于 $\epsilon_\pi$ 的常数，理论的建议就是：越长越好。实践中要用短分支，另有原因。
#
# ### 局限之四，也是真正的原因：$\epsilon_m'$ 不是常数
#
# 定理对想象的每一步都收同样的价钱。可是一步错多少，取决于它*是在哪里走的*，而想象的状态会走远。在孪生上可以精确地跟踪这件事。懒散的策略收集了 $n$ 条转移；$\pi$ 是在由此计数得到的*模型里*最好的策略，智能体也会这样选。分支从懒散策略真实到过的地方开始，完整推演从回合的初始状态开始，两者都用 $\pi$ 想象下去。
#
# **先预测。** 49 个状态、三个动作，只有 1,000 条转移：分支遇到的误差会保持不变、上升百分之几，还是翻倍？100,000 条呢？

# %%
from mbpo_teach.widgets.whereabouts import whereabouts_lab

whereabouts_lab()

# %% [markdown] tags=["lang-en"]
# The maps show how likely each cell is: where branches start, where they are after $k$ steps, and where whole rollouts go
# (all their discounted visits). Below, the exact one-step error that is met after so many imagined steps.
#
# **What was seen.** Branches start all over the plane, since the real pendulum swings everywhere. With 1,000 transitions
# their first step has an expected error of 0.37; after five steps it is 0.54, after ten 0.63, in the end 0.69, almost the
# double. The middle map says why: after ten steps three quarters of all branches sit in *one* cell near the top. The
# model saw the action taken there once, and that one time the pendulum stayed; so it believes that the pendulum stays for
# ever, and the policy, which is best in the model, goes there. In truth it stays with chance 0.31. The model promises a
# return of −1.76, more than any policy can have (−2.74); the true return is −3.19.
#
# Whole rollouts end up in the same cell. They begin at their own start states with an error of 0.32, and from then on
# nothing brings them back. A branch is brought back every $k$ steps: with $k = 1$ every imagined step starts from a real
# state.
#
# With 100,000 transitions the curve is almost flat, from 0.037 to 0.042. A constant $\epsilon_m'$ is then a fair
# description, and a long branch meets hardly larger errors than a short one. *That* is the practical rule: as long as data are few, short; longer, as the
# model gets better where the branches lead.
#
# ## The slope $d\epsilon_m'/d\epsilon_\pi$
#
# The paper measures the same effect by policies (its figure 1): train a model on one policy's data, evaluate it on
# policies moved away step by step. On the twin the measurement is exact. The policy moves from the idle one towards the
# twin's best one, and with it $\epsilon_m'$.
#
# **Predict.** Is the curve straight? By what factor does its slope fall for a hundred times the data?

# %% [markdown] tags=["lang-zh"] twin="9ae097d9"
# 三幅小图画的是到达每个格子的概率：分支从哪里开始，走 $k$ 步之后在哪里，完整推演去了哪里（全部打折后的访问）。下图是想象了若干步之后，那一步遇到的精确单步误差。
#
# **看到了什么。** 分支的起点遍布平面，因为真实的摆到处都荡得到。用 1,000 条转移时，第一步的期望误差是 0.37，五步之后 0.54，十步之后 0.63，最后 0.69，几乎翻倍。中间的小图说明了原因：十步之后，四分之三的分支都待在靠近顶端的*一个*格子里。那里的那个动作，模型只见过一次，而那一次摆恰好留在原处；于是模型相信摆会永远留在那里，在模型里最好的策略便奔那里而去。其实留下的概率是 0.31。模型许诺的回报是 −1.76，比任何策略所能达到的（−2.74）还高；真实回报是 −3.19。
#
# 完整推演最后也到了同一个格子。它们从自己的初始状态出发，误差是 0.32，此后再没有什么能把它们拉回来。分支则每 $k$ 步就被拉回来一次：$k = 1$ 时，想象的每一步都从真实的状态出发。
#
# 用 100,000 条转移时，曲线几乎是平的，从 0.037 到 0.042。这时把 $\epsilon_m'$ 当作常数是合理的，长分支遇到的误差也几乎不比短分支大。*这*才是实践中的规则：数据少的时候，分支要短；等到模型在分支所到之处变准了，再放长。
#
# ## 斜率 $d\epsilon_m'/d\epsilon_\pi$
#
# 论文从策略的角度测量同一效应（论文图 1）：用一个策略的数据训练模型，再让策略一步步离开，看模型在新策略下的误差。在孪生上，这一测量是精确的。策略从懒散的那个移向孪生中最好的那个，$\epsilon_m'$ 随之变化。
#
# **先预测。** 曲线是直的吗？数据多一百倍，斜率会缩小到几分之一？

# %%
from mbpo_teach.widgets.shift import shift_lab

shift_lab()

# %% [markdown] tags=["lang-en"]
# On the left $\epsilon_m'$ against the policy shift, one line for each number of transitions, mean of three walks; at zero
# shift it is $\epsilon_m$. On the right the slope against the number of transitions, with the range over the walks.
#
# **What was seen.** The lines are very nearly straight: $\epsilon_m' \approx \epsilon_m + \epsilon_\pi \cdot
# d\epsilon_m'/d\epsilon_\pi$ is a good description, as in the paper. The slope falls from 0.285 with 1,000 transitions to
# 0.026 with 100,000, to a little less than a tenth, as $1/\sqrt n$ would have it. Theorem 4.2 charges
# $\epsilon_m + 2\epsilon_\pi$, a slope of 2. Here lies the gap between the two theorems, and the reason to measure.
#
# ## Steps that are accepted
#
# Theorem 4.3 can do what theorem 4.1 never could. If $\eta_k[\pi] - \text{penalty}(k) > \eta[\pi_D]$ for some $k$, then
# $\eta[\pi] > \eta[\pi_D]$: the step from $\pi_D$ to $\pi$ is safe. Take it, let the new policy collect data, count the
# model again, repeat. As long as only such steps are taken, **the true return never drops**.
#
# The lab does this on the river, starting from left or right with equal chance. In each round $n$ transitions are added.
# The candidates lie between the present policy and the one that is greedy in the model, no further away than the
# largest shift; the candidate and the $k$ with the highest guarantee are offered. Only a table allows this test: it needs
# the exact $\epsilon_m'$ and the exact $\eta[\pi_D]$.
#
# **Predict.** Which learner is more often accepted, one who takes small steps or one who takes large ones?

# %% [markdown] tags=["lang-zh"] twin="3111f99f"
# 左图是 $\epsilon_m'$ 随策略偏移的变化，每个转移数一条线，是三次行走的平均；偏移为零时就是 $\epsilon_m$。右图是斜率随转移数的变化，色带是三次行走的范围。
#
# **看到了什么。** 这些线非常接近直线：与论文一样，$\epsilon_m' \approx \epsilon_m + \epsilon_\pi \cdot d\epsilon_m'/d\epsilon_\pi$ 是很好的描述。斜率从 1,000 条转移时的 0.285 降到 100,000 条时的 0.026，略小于十分之一，与 $1/\sqrt n$ 大致相符。定理 4.2 收的是 $\epsilon_m + 2\epsilon_\pi$，相当于斜率为 2。两个定理的差别就在这里，这也是要去测量的理由。
#
# ## 被接受的步子
#
# 定理 4.1 从来做不到的事，定理 4.3 能做到。只要有某个 $k$ 使 $\eta_k[\pi] - \text{penalty}(k) > \eta[\pi_D]$，就有 $\eta[\pi] > \eta[\pi_D]$：从 $\pi_D$ 到 $\pi$ 的这一步是安全的。走这一步，让新策略去收集数据，重新计数得到模型，如此反复。只要走的都是这样的步子，**真实回报就从不下降**。
#
# 下面的实验室在河上这样做，最初的策略以相同的概率选左或选右。每一轮增加 $n$ 条转移。候选策略介于当前策略与模型中的贪心策略之间，离当前策略不超过所设的最大偏移；保证值最高的候选策略和 $k$ 被提出来。只有表格才允许做这样的检验：它需要精确的 $\epsilon_m'$ 和精确的 $\eta[\pi_D]$。
#
# **先预测。** 小步走的学习者和大步走的学习者，谁更常被接受？

# %%
from mbpo_teach.widgets.climb import climb_lab

climb_lab()

# %% [markdown] tags=["lang-en"]
# The blue steps are the true return of $\pi_D$, as a share of the best return there is. In each round an orange bar stands
# at the branched return of the offer, and below it the guarantee: a green triangle where it lies above the true
# return and is accepted, a red cross where it is refused. Guarantees below the picture are drawn at its lower edge.
#
# **What was seen.** At the start seven of twelve offers are accepted, with branches of 8 to 10 steps, and the true return
# climbs from 0.30 to 1.00 of the best. It never drops, at any setting of the sliders.
#
# - With 100,000 transitions a round only two offers are accepted and the climb ends at 0.81; with 1,000 none is.
# - *Small steps are refused more often.* With shifts of at most 0.02 nothing is accepted here, with 0.5 the very first
#   step reaches 0.999 of the best return. The gain and the distribution shift both shrink with the step; the model's part,
#   $2 r_{\max} k\,\epsilon_m'/(1-\gamma)$, does not. Each step pays this fee in full, so a timid step is not worth it.
# - A larger $\gamma$ needs longer branches and better models. At 0.9, with a million transitions a round, only the boldest
#   learner is accepted.
#
# "Monotonic improvement" thus is a real promise here, not only a true sentence. MBPO does not make this test. It takes from the
# theory the shape of the algorithm, branches of limited length from real states, and chooses $k$ by experiment.

# %% [markdown] tags=["lang-zh"] twin="2e22fada"
# 蓝色阶梯是 $\pi_D$ 的真实回报占最高回报的比例。每一轮，橙色短横是候选策略的分支推演回报，它下面是保证值：高于真实回报、被接受的画绿色三角，被拒绝的画红叉。低出图外的保证值画在下边缘。
#
# **看到了什么。** 起初，十二个候选策略中有七个被接受，分支长 8 到 10 步，真实回报从最高回报的 0.30 升到 1.00。无论滑块怎样设置，它都从不下降。
#
# - 每轮 100,000 条转移时，只有两个被接受，停在 0.81；1,000 条时一个也没有。
# - *小步更常被拒绝*。最大偏移为 0.02 时，这里什么也不接受；为 0.5 时，第一步就达到最高回报的 0.999。步子变小，增益和分布偏移那一部分都跟着变小，而模型的那一部分 $2 r_{\max} k\,\epsilon_m'/(1-\gamma)$ 不变。每一步都要全额交这笔费用，畏缩的一步不值得。
# - $\gamma$ 越大，分支就要越长，模型也要越好。$\gamma = 0.9$ 时，即使每轮有一百万条转移，也只有最大胆的学习者被接受。
#
# 所以“单调提升”在这里是一个真实的保证，而不只是一句正确的话。MBPO 并不做这个检验。它从理论中取来的是算法的形状，即从真实状态出发、长度有限的分支；$k$ 则靠实验来选。

# %% [markdown] tags=["lang-en"]
# ## A branched rollout in code
#
# [`mbpo_teach/model/rollout.py`](../../mbpo_teach/model/rollout.py) walks many branches at once. Model, policy and termination rule are
# functions, so the true simulator can stand in for the model. Then a branched rollout must be nothing but real steps,
# which tests the code without trusting any network. We use Hopper and the linear policy of chapter 03's record: put the
# simulator into each state, take the step, and compare with rollouts that the simulator makes by itself.

# %% [markdown] tags=["lang-zh"] twin="3a8bd68e"
# ## 写成代码的分支推演
#
# [`mbpo_teach/model/rollout.py`](../../mbpo_teach/model/rollout.py) 同时走许多条分支。模型、策略和终止规则都是函数，所以可以让真实的仿真器顶替模型。这时分支推演就应当只是一串真实的步子，不必信任任何网络，代码就得到了检验。我们用 Hopper 和第 03 章记录里的线性策略：把仿真器放进每个状态，走一步，再与仿真器自己走出来的轨迹比较。

# %%
import torch

from mbpo_teach.world import envs
from mbpo_teach.model import errors
from mbpo_teach.model import rollout
from mbpo_teach.world import simulator
from mbpo_teach.world import terminations
from mbpo_teach.ground.seeding import generator

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
# MBPO therefore uses the environment's own termination function, as chapter 02's `terminations` gives it.
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

# %% [markdown] tags=["lang-zh"] twin="b70b0829"
# 分支的每一步：想象的转移数等于仍在进行的真实轨迹数，状态也一致。（不会一致到最后一位：两步之间，分支只保留舍入成单精度的观测。）每一行都知道自己是分支的第几步；已经结束的分支就此停下。
#
# 模型自己没有这样的规则。它只预测下一个观测，机器人早就倒了，它还会接着想象下去；所以 MBPO 使用环境自己的终止函数，即第 02 章的 `terminations`。
#
# ### 练习 05-3：分支推演
#
# 用 NumPy 写出来。`starts` 的形状是（起点，观测）；`policy(obs)` 给出动作，`model_step(obs, act)` 给出下一个观测和奖励，`has_ended(next_obs)` 给出布尔值。返回五个数组，每条想象的转移一行：观测、奖励、下一个观测、是否结束、分支的第几步（从 1 到 `length`）；先按分支步数排，同一步内按起点排。使分支结束的那条转移是它的最后一条，要保留。
#
# <details><summary>提示</summary>
#
# 用一个数组保存仍在进行的分支的状态，用 `next_obs[~ended]` 使它变短。问策略的就是这些状态。
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

# %% [markdown] tags=["lang-zh"] twin="afbfa124"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。然后读一读我们的写法：[`mbpo_teach/model/rollout.py`](../../mbpo_teach/model/rollout.py)。

# %% mbpo={"exercise": "05-3", "role": "check"}
check("05-3", branched_rollout)

# %% [markdown] tags=["lang-en"]
# ## A schedule for $k$
#
# The model gets better while the agent learns, so the length may grow. The paper's Hopper runs let $k$ rise linearly from 1
# at 20,000 real steps to 15 at 100,000; fractions are cut off. Some other environments keep
# $k = 1$ throughout.
#
# A schedule is worth nothing if it does not reach the rollout: one port of MBPO computed it and then always imagined one
# step. So count: branches that do not end must give $k$ transitions per start.

# %% [markdown] tags=["lang-zh"] twin="a64169e0"
# ## $k$ 的日程
#
# 智能体学习的同时，模型也在变好，所以长度可以增长。论文在 Hopper 上让 $k$ 线性增长，从 20,000 步真实交互时的 1 到 100,000 步时的 15，小数部分舍去；在另一些环境里，$k$ 始终为 1。
#
# 日程如果没有用到推演上，就毫无价值：有一个 MBPO 的移植版算出了日程，却永远只想象一步。所以要数一数：不结束的分支，每个起点必须给出 $k$ 条转移。

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
# 各列依次是真实步数、日程给出的 $k$、每个起点的想象转移数。
#
# ### 练习 05-4：日程
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
# The step pays as long as the first is smaller.
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
# **3. Somebody sharpens the proof, obtains the tight variant, and finds no best $k$. Was the paper's advice to keep branches
# short wrong?**
#
# <details><summary>Answer</summary>
#
# No, but its reason is not the minimum of the bound. The tight variant assumes one $\epsilon_m'$ for all steps. Imagined
# states leave the data, and the error grows on the way: in the twin from 0.37 to 0.69 when data are few.
#
# </details>
#
# **4. $\epsilon_m' = 0$: is every branch then safe?**
#
# <details><summary>Answer</summary>
#
# Every length holds the bound with the distribution shift alone, and the longer, the smaller it is. As $k$ grows the penalty
# vanishes and $\eta_k$ becomes $\hat\eta = \eta$. But nobody has a perfect model, and at small $k$ the distribution shift can
# be vacuous all the same.
#
# </details>
#
# **5. In the last lab a small step was refused and a large one accepted. Why, if both go in the same direction?**
#
# <details><summary>Answer</summary>
#
# Gain and distribution shift are proportional to the size of the step, the model's fee $2 r_{\max} k\,\epsilon_m'/(1-\gamma)$
# is not. The large step earns enough to pay it.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="4aa9b603"
# ## 小测
#
# **1. 一条走了 $k$ 步的分支要不要再走一步？按定理 4.3，由哪两个数决定？**
#
# <details><summary>答案</summary>
#
# $\epsilon_m'$，即再想象一步的误差；以及 $\gamma^k\epsilon_\pi$，即旧策略剩下的影响。只要前者较小，这一步就划算。
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
# **3. 有人把证明收紧，得到更紧的惩罚项，却找不到最好的 $k$。论文主张用短分支，是不是错了？**
#
# <details><summary>答案</summary>
#
# 没有错，只是理由不在于界的极小值。更紧的惩罚项假定每一步的 $\epsilon_m'$ 都一样。想象的状态会离开数据，误差一路增长：在孪生上，数据少的时候从 0.37 升到 0.69。
#
# </details>
#
# **4. $\epsilon_m' = 0$ 时，是不是怎样分支都安全？**
#
# <details><summary>答案</summary>
#
# 这时不论多长，惩罚项都只剩分布偏移，而且越长越小。$k$ 增大时，惩罚项趋于零，$\eta_k$ 趋于 $\hat\eta = \eta$。但谁也没有完美的模型；而且 $k$ 小的时候，分布偏移照样可以是空洞的。
#
# </details>
#
# **5. 在最后一个实验室里，小步被拒绝，大步却被接受。既然方向相同，这是为什么？**
#
# <details><summary>答案</summary>
#
# 增益和分布偏移都与步子的大小成正比，模型的费用 $2 r_{\max} k\,\epsilon_m'/(1-\gamma)$ 则不然。大步挣得够多，付得起这笔费用。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Take-aways
#
# - A branched rollout starts from states really visited and takes $k$ imagined steps. $\eta_k$ goes from the old policy's true
#   return at $k = 0$ to the new policy's model return.
# - Theorem 4.3: $\eta \ge \eta_k - 2 r_{\max}[\gamma^k\epsilon_\pi/(1-\gamma)^2 + k\,\epsilon_m'/(1-\gamma)]$. Go on as long
#   as $\epsilon_m' < \gamma^k\epsilon_\pi$.
# - The limits: $\eta_k$ depends on $k$ too; the bound is often vacuous; its inner minimum comes from a loose step; and
#   $\epsilon_m'$ grows as imagined states leave the data, which is the practical reason for short branches.
# - Exact errors are put into theorems, proxies are not.
# - Theorem 4.3 can accept steps, and then the true return never drops. In practice $k$ is chosen by experiment, small at first.
#
# ## References
#
# 1. M. Janner, J. Fu, M. Zhang, S. Levine. *When to Trust Your Model: Model-Based Policy Optimization.* NeurIPS 2019,
#    [arXiv 1906.08253](https://arxiv.org/abs/1906.08253). Theorems 4.2 and 4.3 in sections 4.2 and 4.3, proofs in appendix
#    A, lemma B.4 in appendix B; figure 1 for the slope; schedules in appendix C.
# 2. R. Sutton. *Dyna, an integrated architecture for learning, planning, and reacting.* ACM SIGART Bulletin 2(4), 1991. One
#    imagined step from a state met before: a branched rollout with $k = 1$.
#
# **Next:** [06 SAC](06_sac.ipynb), the learner inside. And look back at [01 Dyna-Q](01_dyna_q.ipynb): what was its branch length?

# %% [markdown] tags=["lang-zh"] twin="8fbd746e"
# ## 要点
#
# - 分支推演从真实访问过的状态出发，想象 $k$ 步。$\eta_k$ 从 $k = 0$ 时旧策略的真实回报，走向新策略的模型回报。
# - 定理 4.3：$\eta \ge \eta_k - 2 r_{\max}[\gamma^k\epsilon_\pi/(1-\gamma)^2 + k\,\epsilon_m'/(1-\gamma)]$。只要 $\epsilon_m' < \gamma^k\epsilon_\pi$，就继续走。
# - 局限：$\eta_k$ 也随 $k$ 变化；界常常是空洞的；它的极小值出自一步放得过松的推导；想象的状态离开数据时 $\epsilon_m'$ 会增长，这才是实践中用短分支的原因。
# - 代入定理的是精确的误差，不是代理量。
# - 定理 4.3 能够接受步子，此时真实回报从不下降。实践中 $k$ 靠实验来选，先小后大。
#
# ## 参考文献
#
# 1. M. Janner, J. Fu, M. Zhang, S. Levine. *When to Trust Your Model: Model-Based Policy Optimization.* NeurIPS 2019,
#    [arXiv 1906.08253](https://arxiv.org/abs/1906.08253)。定理 4.2 和 4.3 见 4.2、4.3 节，证明见附录 A，引理 B.4 见附录 B；斜率见图 1；日程见附录 C。
# 2. R. Sutton. *Dyna, an integrated architecture for learning, planning, and reacting.* ACM SIGART Bulletin 2(4), 1991。从见过的状态想象一步：就是 $k = 1$ 的分支推演。
#
# **下一章**：[06 SAC](06_sac.ipynb)，里面的学习器。也不妨回头看看 [01 Dyna-Q](01_dyna_q.ipynb)：它的分支有多长？
