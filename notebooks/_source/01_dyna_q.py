# %% [markdown] tags=["lang-en"]
# # 01 · Dyna-Q: learning from real and from imagined steps
#
# An agent that remembers what its steps led to can go over them again, without taking them. This chapter builds
# Q-learning, gives it such a memory, and looks at what is gained, what it takes, and where the idea stops working.
#
# | this chapter | in short |
# |---|---|
# | **Objectives** | Write Q-learning and its planning step; say what n, α, ε and κ do and why; know when a table model misleads; explain why a continuous world needs another kind of model. |
# | **Prerequisites** | Chapter [00](00_start_here.ipynb); what an expected value is. |
# | **Reading time** | 70 minutes with the exercises |
# | **Run time** | about 90 s on two cores |
# | **Language** | English · [中文](../zh/01_dyna_q.ipynb) |
#
# Unless another source is named, the facts and the worlds are those of Sutton and Barto [1], chapter 8; the worlds whose
# names end in `-v1` are run in Gymnasium [4]. The words, the code and the measurements are ours. Terms are explained in the [glossary](../../docs/glossary.md).

# %% [markdown] tags=["lang-zh"] twin="72fa8c92"
# # 01 · Dyna-Q：从真实与想象的经验中学习
#
# 智能体如果记得每一步带来了什么，就可以不必再走一遍，而在脑中重温。本章先写出 Q-learning，再给它配上这样的记忆，
# 看看它带来什么、需要什么，以及这个想法在哪里行不通。
#
# | 本章 | 概要 |
# |---|---|
# | **学习目标** | 写出 Q-learning 和它的规划步骤；说清 n、α、ε、κ 各起什么作用、为什么；知道表格模型何时会误导；解释连续的环境为什么需要另一种模型。 |
# | **预备知识** | 第 [00](00_start_here.ipynb) 章；知道什么是期望。 |
# | **阅读时间** | 连同练习 70 分钟 |
# | **运行时间** | 双核机器上约 90 秒 |
# | **语言** | [English](../en/01_dyna_q.ipynb) · 中文 |
#
# 除另有说明外，本章的原理和环境都取自 Sutton 和 Barto 的书 [1] 第 8 章；名字以 `-v1` 结尾的环境由 Gymnasium [4] 提供。文字、代码和测量结果是我们自己的。术语的解释见[术语表](../../docs/glossary.md)。

# %% [markdown] tags=["lang-en"]
# ## A maze
#
# The Dyna maze [1, example 8.1] has a start `S`, a goal `G` and walls `#`. Four actions move the agent up, right, down
# or left; a wall or the edge stops it. Reaching the goal gives reward 1 and ends the episode, every other step gives 0.

# %% [markdown] tags=["lang-zh"] twin="e56d020c"
# ## 一个迷宫
#
# Dyna 迷宫 [1，例 8.1] 有起点 `S`、终点 `G` 和墙 `#`。四个动作是向上、向右、向下、向左；撞到墙或边界就留在原地。
# 到达终点得到奖励 1，回合结束；其余每一步的奖励都是 0。

# %% tags=["nbval-check-output"] named="maze"
import numpy as np

from mbpo_teach.tables import mazes

maze = mazes.dyna_maze()
print("\n".join(maze.layout))
print(maze.observation_space.n, maze.action_space.n)

# %% [markdown] tags=["lang-en"]
# The last line: 47{{maze[0] | .0f}} cells to stand on, 4{{maze[1] | .0f}} actions. A world this small can be written down as arrays, and then whatever
# we want to know about it is computed exactly, without a single step. `tabular_mdp` makes those arrays; it adds one
# state, "over", into which every terminated transition leads. `value_iteration` finds the values and the best policy from
# them: for every state it takes, again and again, the best over the actions of reward plus discounted value of what
# follows, until the values stay as they are.
#
# **Predict.** The shortest way from `S` to `G` has 14 steps. How many does an agent need on average that moves at
# random: about 50, about 200, or about 900?

# %% [markdown] tags=["lang-zh"] twin="c1364f53"
# 最后一行说：有 47{{maze[0] | .0f}} 个格子可以站，有 4{{maze[1] | .0f}} 个动作。这样小的环境可以写成数组，想知道的量不走一步就能精确算出。`tabular_mdp` 给出这些数组，
# 并且加上一个“已结束”状态，凡是终止的转移都通向它。`value_iteration`（价值迭代，value iteration）由此求出价值和最优策略：对每个状态，
# 在各个动作中取“奖励加上打过折扣的后续价值”的最大值，反复计算，直到价值不再变化。
#
# **先预测。** 从 `S` 到 `G` 最短要 14 步。随机乱走的智能体平均要多少步：50 步左右，200 步左右，还是 900 步左右？

# %% tags=["nbval-check-output"] named="walk"
from mbpo_teach.tables import episodic
from mbpo_teach.tables.mdp import value_iteration

world = episodic.tabular_mdp(maze, gamma=0.95)
values, best = value_iteration(world)
at_random = np.full_like(best, 1 / 4)
print(f"{episodic.expected_steps(world, best):.0f} {episodic.expected_steps(world, at_random):.2f}")
print(f"{values[maze.start]:.6f} {0.95**13:.6f}")

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# Almost 900 (868.73{{walk[1] | .2f}}): a random walk forgets where it came from and loses most of its way again.
#
# </details>
#
# The second line is the value of the start under the best policy, once as computed and once as a power. It is $\gamma^{13}$, not $\gamma^{14}$: the reward comes with the fourteenth step,
# and the first step's reward would have weight $\gamma^0$.

# %% [markdown] tags=["lang-zh"] twin="e2890f5c"
# <details><summary>看到了什么</summary>
#
# 将近 900 步（868.73{{walk[1] | .2f}}）：随机游走不记得自己从哪里来，走过的路大半又退了回去。
#
# </details>
#
# 第二行是起点在最优策略下的价值，先是算出来的，再是写成幂的。它是 $\gamma^{13}$ 而不是 $\gamma^{14}$：
# 奖励随第 14 步而来，而第 1 步的奖励权重是 $\gamma^0$。

# %% [markdown] tags=["lang-en"]
# ## Q-learning, by hand
#
# Q-learning keeps a table $Q(s,a)$ of what each action seems worth, and corrects one entry after each step
# [1, equation 6.8]:
#
# $$Q(s,a) \leftarrow Q(s,a) + \alpha\left[\,r + \gamma \max_b Q(s',b) - Q(s,a)\,\right].$$
#
# The bracket is the surprise: what the step brought, plus what the next state seems worth, minus what was expected. The
# learning rate α says how much of it is believed. Using an estimate, $\max_b Q(s',b)$, to correct another is called
# bootstrapping. Nothing follows a terminated step, so there the estimate is left out.
#
# The agent is ε-greedy: it takes a random action with probability ε, otherwise a *greedy* one, that
# is, one with the largest value, and draws lots among equals. That last detail matters. At first all values are zero, and an agent that always took the first
# of equal actions would spend most of its time pushing against the upper edge.

# %% [markdown] tags=["lang-zh"] twin="93c18c06"
# ## 亲手写 Q-learning
#
# Q-learning 用一张表 $Q(s,a)$ 记下每个动作看起来值多少，每走一步就修正其中一个数 [1，式 6.8]：
#
# $$Q(s,a) \leftarrow Q(s,a) + \alpha\left[\,r + \gamma \max_b Q(s',b) - Q(s,a)\,\right].$$
#
# 方括号里是“意外”：这一步带来的奖励，加上下一个状态看起来的价值，再减去原先的预期。学习率（learning rate）α 决定这份意外信几成。拿一个估计值 $\max_b Q(s',b)$
# 去修正另一个估计值，叫作自举（bootstrapping）。终止之后不再有任何奖励，所以这时去掉 $\gamma \max_b Q(s', b)$ 这一项。
#
# 智能体按 ε-贪心（ε-greedy）行动：以概率 ε 随机选动作，否则*贪心*（greedy），即选价值最大的；并列时抽签决定。抽签这个细节很要紧：开始时所有价值都是零，
# 如果并列时总取第一个动作，智能体大部分时间都会往上顶着边界，走不开。

# %%
from mbpo_teach.tables import dyna
from mbpo_teach.ground.seeding import generator


def by_hand(seed, episodes, alpha=0.1, gamma=0.95, epsilon=0.1):
    q, lengths, rng = [[0.0] * 4 for _ in range(47)], [], generator(seed, "act")
    for _ in range(episodes):
        (state, _), terminated, steps = maze.reset(), False, 0
        while not terminated:
            action = dyna.epsilon_greedy(q[state], epsilon, rng=rng)
            after, reward, terminated, _, _ = maze.step(action)
            future = 0.0 if terminated else max(q[after])
            q[state][action] += alpha * (reward + gamma * future - q[state][action])
            state, steps = after, steps + 1
        lengths.append(steps)
    return lengths


# %% [markdown] tags=["lang-en"]
# Now the library's agent, with the same seed and no planning. Do both need the same number of steps in each episode?

# %% [markdown] tags=["lang-zh"] twin="702bcfd5"
# 再用课程代码里的智能体，种子相同，不做规划。两者每个回合的步数一样吗？

# %% tags=["nbval-check-output"]
from itertools import islice

episodes = dyna.episodes(maze, dyna.DynaConfig(planning_steps=0), seed=0)
ours = [episode.steps for episode in islice(episodes, 20)]
print(by_hand(0, 20) == ours)
print(ours)

# %% [markdown] tags=["lang-en"]
# They agree in every episode: both ask the same stream of random numbers, `generator(seed, "act")`, in the same order.
#
# Until the goal is reached for the first time every surprise is zero and the table stays empty. So the first episode is
# exactly the random walk from above, and 868.73{{walk[1] | .2f}} is its expected length. Sutton and Barto
# give about 1700 steps for the first episode of their 30 agents (example 8.1; their figure 8.2 leaves it out), although
# they break ties at random as we do. Chance does not explain that: the mean of 30 such walks lies typically within 144
# steps of 868.73{{walk[1] | .2f}}. What does, we do not know.
#
# ## Exercise 01-1: one step of Q-learning
#
# Write the update as a function that returns a new table, an array with one row per state and one column per action,
# and leaves the table that it was given as it is. Gymnasium tells two kinds of ending apart: *terminated* belongs to the task; *truncated* only says that a time limit
# cut the episode short. Think about which of them makes the future worth nothing.
#
# With $Q(s,a) = 0$, $r = 1$, $\max_b Q(s',b) = 2$, α = 0.1 and γ = 0.95 the new entry is 0.29, and 0.1 if the step
# terminated.
#
# <details><summary>Hint</summary>
#
# Copy the table first. After a truncated step the world would have gone on, so the value of the next state still
# counts; only termination ends it. Take the maximum over the row of the *next* state, even where all entries are
# negative.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="3578556f"
# 两者在每个回合都一致：它们按同样的次序使用同一个随机数流 `generator(seed, "act")`。
#
# 在第一次到达终点之前，每一步的意外都是零，表始终是空的。所以第一个回合就是上面那样的随机游走，期望长度正是 868.73{{walk[1] | .2f}}。
# Sutton 和 Barto 说，他们的 30 个智能体第一个回合约有 1700 步（例 8.1；图 8.2 没有画这个回合），而他们处理并列的办法与我们一样，也是随机选取。
# 这不能归于偶然：30 次这样的游走取平均，与 868.73{{walk[1] | .2f}} 通常只差 144 步以内。原因何在，我们不知道。
#
# ## 练习 01-1：一步 Q-learning
#
# 把更新写成一个函数，返回一张新表：数组的每一行是一个状态，每一列是一个动作；传进来的表要保持原样。Gymnasium 区分两种结束：*terminated*（终止）是任务本身规定的，
# *truncated*（截断）只是因为到了时间限制。想一想，哪一种才使后续的价值为零。
#
# 若 $Q(s,a) = 0$，$r = 1$，$\max_b Q(s',b) = 2$，α = 0.1，γ = 0.95，新的值是 0.29；如果这一步终止，则是 0.1。
#
# <details><summary>提示</summary>
#
# 先复制这张表。截断之后世界本来会继续，所以下一个状态的价值仍要算上；只有终止才让它归零。最大值取自*下一个*状态的那一行，即使各个值全是负的。
#
# </details>

# %% mbpo={"exercise": "01-1", "role": "setup"}
import numpy as np

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "01-1", "role": "answer"}
def q_update(q, state, action, reward, next_state, terminated, truncated, alpha, gamma):
    """Return the table q, an array (state, action), after one step of Q-learning."""
    ### BEGIN SOLUTION
    new = q.copy()
    future = 0.0 if terminated else q[next_state].max()
    new[state, action] += alpha * (reward + gamma * future - q[state, action])
    return new
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "01-1", "role": "check"}
check("01-1", q_update)

# %% [markdown] tags=["lang-en"]
# ## A memory to practise with: Dyna-Q
#
# Q-learning uses each step once and throws it away. Reaching the goal teaches it one entry, the last; the next episode
# carries the news one cell further back. Fourteen cells need many episodes, although nothing new has to be found out.
#
# Dyna-Q writes each step into a **model**: a dictionary from (state, action) to what followed. After each real step it
# draws $n$ pairs that it has met, asks the model what followed, and applies *the same update*. This is called planning,
# and it costs computation, not experience. The letters are those of the box "Tabular Dyna-Q" [1, section 8.2].
#
# | line | what happens |
# |---|---|
# | (a) | look where you are |
# | (b) | choose an action, ε-greedy |
# | (c) | take it; see reward and next state |
# | (d) | update $Q$ with this real step |
# | (e) | write it into the model |
# | (f) | $n$ times: draw a pair met before, look up what followed, update $Q$ with it |
#
# Here is the library's version. Look for line (f), and for what happens to it when `planning_steps` is 0. Ignore
# `kappa` for now.

# %% [markdown] tags=["lang-zh"] twin="a58a567a"
# ## 可以反复练习的记忆：Dyna-Q
#
# Q-learning 每一步只用一次就丢掉了。第一次到达终点，它只学会最后一步该怎么走；下一个回合才把消息往回传一格。十四格就要许多回合，
# 尽管并没有什么新东西需要弄清。
#
# Dyna-Q 把每一步写进一个**模型**：一个字典，从（状态，动作）查到之后发生了什么。在环境里每走一步，就从遇到过的状态—动作对里抽 $n$ 个，
# 问模型结果如何，再做*同样的更新*。这叫规划（planning），用的是计算，不是经验。下面的字母与书中“Tabular Dyna-Q”方框的各行一致 [1，第 8.2 节]。
#
# | 行 | 做什么 |
# |---|---|
# | (a) | 看自己在哪里 |
# | (b) | 按 ε-贪心选一个动作 |
# | (c) | 执行它，看到奖励和下一个状态 |
# | (d) | 用这一步的真实经验更新 $Q$ |
# | (e) | 把它写进模型 |
# | (f) | 重复 $n$ 次：抽一个遇到过的状态—动作对，查出结果，用它更新 $Q$ |
#
# 下面是课程代码里的写法。找一找 (f) 行，再想想 `planning_steps` 为 0 时它会怎样。`kappa` 暂时不用管。

# %% tags=["nbval-check-output"]
import inspect

print(inspect.getsource(dyna.learn))

# %% [markdown] tags=["lang-en"]
# With `planning_steps=0` the loop (f) runs zero times and what is left is Q-learning. Acting and planning draw from two
# separate streams of random numbers, so this holds bit for bit; a test of the package checks it.
#
# **Predict.** 30 agents with different seeds live through 50 episodes each, without planning, with $n = 5$ and with
# $n = 50$. In which episode does the average first fall to 20 steps? And which of the three curves start higher or
# lower than the others in the *first* episode?

# %% [markdown] tags=["lang-zh"] twin="9c7ef350"
# `planning_steps=0` 时，循环 (f) 执行零次，剩下的就是 Q-learning。行动和规划各用一个随机数流，所以这一点逐位成立，程序包里有测试验证。
#
# **先预测。** 30 个种子不同的智能体各过 50 个回合：不做规划，$n = 5$，$n = 50$。平均步数第几回合首次降到 20 步？在*第一个*回合，三条曲线哪条高、哪条低？

# %% named="curves"
from mbpo_teach.figures import tabular


def maze_steps(seed_count, **settings):
    config = dyna.DynaConfig(**settings)
    return dyna.steps_per_episode(
        mazes.dyna_maze, config, episode_count=50, seeds=range(seed_count)
    )


by_n = {n: maze_steps(30, planning_steps=n) for n in (0, 1, 2, 5, 10, 20, 50)}
tabular.learning_curves({n: by_n[n] for n in (0, 5, 50)}, shortest=14)

# %% [markdown] tags=["lang-en"]
# Lines are means over 30 seeds, bands hold the middle 80 % of the seeds; the vertical axis is logarithmic.
#
# <details><summary>What was seen</summary>
#
# Episode 28{{curves[2] | .0f}} without planning, 6{{curves[4] | .0f}} with $n = 5$, 3{{curves[6] | .0f}} with $n = 50$. All three begin at the same point,
# exactly: before the first reward there is nothing to plan with, and the same seed means the same walk. Nearly all of the
# gain lies between the first goal and the good path. There, planning spreads the news over the table as fast as it can
# compute, while Q-learning has to walk.
#
# </details>
#
# None of the curves settles at 14: with ε = 0.1 every tenth action is random. How good can it get? For exploring agents
# the best policy can also be computed: mix every action with ε of chance, and find the best policy of that world. The
# function `mixed` does it to any table with a row for each state and an entry for each action: instead of the action's
# own entry, it takes with weight ε the mean of the row. Of transitions and rewards that makes a world in which every
# tenth action is random; of a policy it makes the ε-greedy one.

# %% [markdown] tags=["lang-zh"] twin="c75fcf03"
# 线是 30 个种子的平均，色带覆盖中间 80% 的种子；纵轴是对数刻度。
#
# <details><summary>看到了什么</summary>
#
# 不规划时是第 28{{curves[2] | .0f}} 回合，$n = 5$ 是第 6{{curves[4] | .0f}} 回合，$n = 50$ 是第 3{{curves[6] | .0f}} 回合。三条曲线的起点完全相同：得到第一个奖励之前没有东西可以规划，
# 而种子相同，走法就相同。好处几乎全在第一次到达终点与找到好路之间：规划能算多快，消息就在表里传多快；Q-learning 却要一步一步走。
#
# </details>
#
# 没有一条曲线降到 14 步，因为 ε = 0.1，十个动作里有一个是随机的。最好能到多少？带探索的最优策略也能算出来：让每个动作都掺进 ε 的随机，
# 再求这个环境的最优策略。函数 `mixed` 适用于任何“每个状态一行、每个动作一项”的表：它在动作自己的那一项里掺进权重为 ε 的整行平均。对转移和奖励这样做，
# 得到的是十个动作里有一个随机的环境；对策略这样做，得到的就是 ε-贪心策略。

# %% tags=["nbval-check-output"] named="final"
from mbpo_teach.tables.mdp import TabularMDP


def mixed(table, epsilon=0.1):
    return (1 - epsilon) * table + epsilon * table.mean(axis=1, keepdims=True)


noisy = TabularMDP(
    transition=mixed(world.transition), reward=mixed(world.reward), start=world.start, gamma=0.95
)
print(f"{episodic.expected_steps(world, mixed(value_iteration(noisy)[1])):.4f}")
for n, steps in by_n.items():
    print(n, f"{steps[:, -10:].mean():.1f}")

# %% [markdown] tags=["lang-en"]
# The first number is the best possible average, 15.81{{final[0] | .2f}}. Each line below holds $n$ and the mean of the last ten episodes.
# The agents end between 16.6{{min(final[2::2]) | .1f}} and 18.0{{max(final[2::2]) | .1f}}, a little above the best: a found path is repeated and strengthened even when it
# is longer than the shortest. After the fifty episodes the greedy path is still too long for 10 of the 30 seeds with
# $n = 5$, all at 16 steps; without planning for 16, one of them at 18; at $n = 50$ for 11, two of them at 18. Planning
# does not cure that. It goes over what was met; it discovers nothing.
#
# The slider below moves through these computed runs. The chosen $n$ is blue, with its band, the others are grey.
#
# **Predict.** Which step of the slider saves more real steps: from 0 to 1, or from 5 to 50?

# %% [markdown] tags=["lang-zh"] twin="40a1cf86"
# 第一个数是可能达到的最好平均值：15.81{{final[0] | .2f}}。以下每行是 $n$ 和最后十个回合的平均步数。智能体最后在 16.6{{min(final[2::2]) | .1f}} 到 18.0{{max(final[2::2]) | .1f}} 之间，
# 比最好的略差：找到一条路之后就反复走、反复加强，即使它不是最短的。五十个回合之后，30 个种子里仍有一些的贪心路径偏长：$n = 5$ 时有 10 个，都是 16 步；
# 不规划时有 16 个，其中一个是 18 步；$n = 50$ 时有 11 个，其中两个是 18 步。规划治不了这个毛病，它只重温遇到过的事，不会发现新东西。
#
# 下面的滑块在这些算好的结果之间移动。选中的 $n$ 是蓝线和它的色带，其余是灰线。
#
# **先预测。** 哪一次移动省下的真实步数更多：从 0 到 1，还是从 5 到 50？

# %% named="steps"
from mbpo_teach.widgets import dyna as labs

labs.steps_lab("planning_steps", by_n, value=5)

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# From 0 to 1 half of all real steps disappear (5084 to 2576); from 5 to 50 it is a tenth (1998{{steps[3] | .0f}} to
# 1813), for ten times the planning after each step. Of those 1813 steps some 960 are the first, blind episode, which no planning can
# shorten. What $n$ saves is real steps, and what it takes is computation. That is worth it where steps are dear, on a
# robot, and of little use where they are free.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="af1c719a"
# <details><summary>看到了什么</summary>
#
# 从 0 到 1，真实步数减少一半（5084 到 2576）；从 5 到 50 只少了一成（1998{{steps[3] | .0f}} 到 1813），每步之后的规划却是十倍。而且在 1813 步里，
# 约 960 步属于什么都还不知道的第一个回合，规划再多也缩短不了。$n$ 增加计算，减少真实步数：真实交互来之不易时（例如机器人）值得这样做，真实交互不费什么代价时就没有多大意义。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Exercise 01-2: planning from the table model
#
# Write line (f). You get a table, a model, which is a dictionary `(state, action) → (reward, next state, terminated)`,
# and the pairs that were drawn, in order. Return the new table.
#
# In a corridor $0 \to 1 \to 2 \to$ end, with reward 1 at the end, an empty table, α = 0.5 and γ = 0.9: planning the
# last pair first, then the middle, then the first, fills in 0.5, 0.225 and 0.10125. In the opposite order only the
# last pair gets a value. The order decides how far the news travels.
#
# <details><summary>Hint</summary>
#
# A loop over `pairs`. Each round reads the table that the round before it wrote, so work on one copy. The update is the
# one of exercise 01-1, with the model in place of the world; write it out again here.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="d5f71e5c"
# ## 练习 01-2：用表格模型做规划
#
# 写出 (f) 行。给定一张表、一个模型（字典，`(状态, 动作) → (奖励, 下一个状态, 是否终止)`），以及依次抽到的状态—动作对，返回新表。
#
# 走廊 $0 \to 1 \to 2 \to$ 终点，终点奖励 1，空表，α = 0.5，γ = 0.9：先规划最后一格，再中间，再第一格，得到 0.5、0.225、0.10125。
# 次序反过来，就只有最后一格得到价值。次序决定消息能传多远。
#
# <details><summary>提示</summary>
#
# 对 `pairs` 循环。每一轮读的是上一轮写过的表，所以只需要一个副本。更新与练习 01-1 相同，只是问的是模型而不是环境；请在这里重新写出来。
#
# </details>

# %% mbpo={"exercise": "01-2", "role": "setup"}
import numpy as np

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "01-2", "role": "answer"}
def plan(q, model, pairs, alpha, gamma):
    """Return the table q, an array (state, action), after one imagined update per pair."""
    ### BEGIN SOLUTION
    q = q.copy()
    for state, action in pairs:
        reward, next_state, terminated = model[state, action]
        future = 0.0 if terminated else q[next_state].max()
        q[state, action] += alpha * (reward + gamma * future - q[state, action])
    return q
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "01-2", "role": "check"}
check("01-2", plan)

# %% [markdown] tags=["lang-en"]
# ## Where the news has got to
#
# A curve hides what happens in the table. An arrow in a cell shows its one best action; where several are equal there
# is none, and the agent draws lots. The colour grows with the value of the best action; far from the goal a value can be
# too small to be seen, and still decide.
#
# **Predict.** One agent without planning and one with $n = 50$, same seed, have both finished two episodes. In how many
# of the 46 cells besides the goal does each have an arrow?

# %% [markdown] tags=["lang-zh"] twin="2073a280"
# ## 消息传到了哪里
#
# 曲线看不出表里发生的事。格子里的箭头是唯一的最优动作；有几个动作并列时没有箭头，智能体抽签。颜色随最优动作的价值加深；
# 离终点远的地方，价值可能小得看不出颜色，但仍足以决定动作。
#
# **先预测。** 一个智能体不做规划，一个 $n = 50$，种子相同，都过完了两个回合。终点之外的 46 个格子里，各有多少个有箭头？


# %% named="arrows"
def tables(n, episode_count=20, seed=1):
    learning = dyna.episodes(maze, dyna.DynaConfig(planning_steps=n), seed=seed)
    after = [episode.q for episode in islice(learning, episode_count)]
    return np.array([dyna.empty_table(maze), *after])


by_episode = {n: tables(n) for n in (0, 1, 2, 5, 10, 20, 50)}
tabular.policies(maze, {n: by_episode[n][2] for n in (0, 50)}, episodes=2)

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# Two arrows (2{{arrows[2] | .0f}}) without planning, one for each visit to the goal: the news moved back one cell per
# episode. With $n = 50$ there are 37{{arrows[4] | .0f}}; only the corner around the start has none yet. They came into being
# *during* the second episode, after the first goal, while the agent was still on its way.
#
# </details>
#
# This is one seed, so read it as an illustration. Now choose for yourself how much planning there is and how many
# episodes have passed. The sentence states the exact average number of steps of an agent that follows the arrows.
#
# **Predict.** How many episodes does $n = 5$ need until the arrows bring the agent to the goal in fewer than 20 steps?

# %% [markdown] tags=["lang-zh"] twin="ed1fa96c"
# <details><summary>看到了什么</summary>
#
# 不规划时只有 2{{arrows[2] | .0f}} 个箭头，每到一次终点多一个：每个回合，消息往回传一格。$n = 50$ 时有 37{{arrows[4] | .0f}} 个，只有起点附近的一角还没有。
# 它们是在*第二个回合之中*出现的：第一次到过终点之后，智能体还在路上，箭头就已经铺开了。
#
# </details>
#
# 这只是一个种子，请当作示意。现在由你来选：规划多少，已经过了几个回合。下面的句子给出照着箭头走平均要多少步，是精确值。
#
# **先预测。** $n = 5$ 时要过几个回合，照着箭头走才能不到 20 步就到终点？

# %%
labs.arrows_lab(maze, by_episode, value=5)

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# The arrows grow backwards from the goal, like water filling a basin, and the sooner, the larger $n$. Move $n$ at
# episode 1: with this seed there is a single arrow whatever $n$, for the reward was only just found. (The planning after
# that very step can add a few: with $n = 50$ the seeds 0 to 5 have 1, 1, 3, 2, 1 and 2.) Move to later episodes at
# $n = 0$: here it is one arrow more per episode. At $n = 5$ three episodes are enough: 35 cells have an arrow by then,
# the way along them takes 16 steps, and between 14 and 16 in the next few episodes.
#
# </details>
#
# ## Learning rate and exploration
#
# **Predict.** The learning rate has been α = 0.1 so far. With $n = 5$, what happens to the real steps needed if it is
# ten times smaller, or ten times larger?

# %% [markdown] tags=["lang-zh"] twin="413ca90b"
# <details><summary>看到了什么</summary>
#
# 箭头从终点往回长，像水慢慢漫上来，$n$ 越大，漫得越快。停在第 1 回合移动 $n$：就这个种子而言，箭头始终只有一个，因为奖励才刚刚找到。（最后那一步之后的规划可能再添几个：$n = 50$ 时，
# 种子 0 到 5 分别有 1、1、3、2、1、2 个。）$n = 0$ 时往后移动回合：这里每个回合多一个箭头。$n = 5$ 时三个回合就够了：
# 已有 35 个格子有箭头，照着走要 16 步，此后几个回合在 14 到 16 步之间。
#
# </details>
#
# ## 学习率与探索
#
# **先预测。** 到目前为止学习率是 α = 0.1。$n = 5$ 时，换成它的十分之一或者十倍，所需的真实步数会怎样变化？

# %% tags=["nbval-check-output"]
for alpha in (0.01, 0.1, 1.0):
    steps = maze_steps(15, planning_steps=5, alpha=alpha)
    print(f"{alpha:4} {steps.sum(axis=1).mean():.0f} {steps[:, -10:].mean():.1f}")

# %% [markdown] tags=["lang-en"]
# Each line shows α, the real steps for 50 episodes, and the mean of the last ten (15 seeds).
#
# <details><summary>What was seen</summary>
#
# Next to nothing, over a factor of one hundred. A surprise, but it has a reason. In this maze each action has one certain outcome, all values
# start at zero and no reward is negative. A small α makes the values small, yet *larger than zero* is all that a greedy
# choice between a known way and an unknown one needs. With certain outcomes one could even believe every surprise
# fully, α = 1. The learning rate matters where outcomes vary; we come back to it on the ice.
#
# </details>
#
# **Predict.** Now ε, with $n = 5$. Which is better in this maze: never to explore (ε = 0), or to take four random
# actions in ten?

# %% [markdown] tags=["lang-zh"] twin="0fb29282"
# 每行依次是 α、50 个回合的真实步数、最后十个回合的平均步数（15 个种子）。
#
# <details><summary>看到了什么</summary>
#
# 几乎没有变化，尽管 α 相差一百倍。这有点意外，但有原因：
# 在这个迷宫里每个动作的结果是确定的，价值从零开始，奖励没有负的。α 小，价值就小；可是在认识的路和不认识的路之间做贪心选择，只需要价值*大于零*。
# 结果既然确定，甚至可以对每次意外深信不疑，取 α = 1。学习率在结果多变的地方才重要，到了冰面上我们再谈。
#
# </details>
#
# **先预测。** 再看 ε，仍取 $n = 5$。在这个迷宫里，从不探索（ε = 0）好，还是十个动作里有四个随机好？

# %% named="epsilon"
by_epsilon = {
    epsilon: maze_steps(15, planning_steps=5, epsilon=epsilon)
    for epsilon in (0.0, 0.01, 0.03, 0.1, 0.2, 0.4)
}
labs.steps_lab("epsilon", by_epsilon, value=0.1)

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# For ε up to 0.1 the first episodes are much the same. The difference lies in the plateau: 14.8
# steps without exploration, 16.6{{epsilon[4] | .1f}} at ε = 0.1, almost 27 at ε = 0.4, where the detours of chance never stop. Not
# exploring comes out best *here*, for two reasons: while nothing is known, drawing lots explores anyway, and the maze
# never changes. Where walls move, exploring too little does harm; we come to that below.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="85f5d020"
# <details><summary>看到了什么</summary>
#
# ε 不超过 0.1 时，最初几个回合差不多。差别在后面的平台：不探索是 14.8 步，ε = 0.1 是 16.6{{epsilon[4] | .1f}} 步，ε = 0.4 将近 27 步，
# 随机造成的弯路永远不停。*在这里*不探索最好，原因有两个：什么都不知道时，抽签本身就是探索；迷宫又从不变化。墙会移动时，探索太少就会吃亏，后面会看到。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## A cliff: what is earned and what is known
#
# `CliffWalking-v1` is a strip of 4 × 12 cells [1, example 6.6]. Each step costs 1; between start and goal lies a cliff,
# and falling costs 100 and puts the agent back at the start. The shortest path runs along the very edge and earns −13.
#
# We follow 20 seeds for 100 episodes, with α = 0.5 and γ = 1 (no discount: these episodes
# end, so returns stay finite all the same), and ask two questions after each episode: what did the
# agent *earn* while exploring, and is the greedy path in its table *optimal*, which is checked exactly. (The exact tables
# of `cliff` need a discount below 1 and get 0.99. It plays no part: the check counts the steps of the path.)
#
# **Predict.** Does more planning raise the return that is earned in the long run? Does it speed up knowing the best
# path?

# %% [markdown] tags=["lang-zh"] twin="62325d5e"
# ## 悬崖：得到的与知道的
#
# `CliffWalking-v1` 是 4 × 12 的一条格子 [1，例 6.6]。每走一步得 −1；起点与终点之间是悬崖，掉下去得 −100，并回到起点。最短的路紧贴崖边，回报是 −13。
#
# 用 20 个种子，各过 100 个回合，α = 0.5，γ = 1（不打折扣：这里的回合总会结束，回报仍是有限的）。每个回合之后问两个问题：智能体在探索之中*得到*多少？表里的贪心路径是不是*最优*（精确检查）？
# （精确计算用的表 `cliff` 要求折扣因子小于 1，所以取 0.99；它不起作用，因为检查时只数路径的步数。）
#
# **先预测。** 规划多了，长远来看得到的回报会提高吗？会更快知道最优的路吗？

# %% named="cliff"
import gymnasium as gym

cliff = episodic.tabular_mdp(gym.make("CliffWalking-v1"), gamma=0.99)


def walk_the_cliff(n, seed):
    config = dyna.DynaConfig(planning_steps=n, alpha=0.5, gamma=1.0)
    return list(islice(dyna.episodes(gym.make("CliffWalking-v1"), config, seed=seed), 100))


def knows_the_way(q):
    return np.isclose(episodic.expected_steps(cliff, episodic.greedy_policy(q)), 13)


walks = {n: [walk_the_cliff(n, seed) for seed in range(20)] for n in (0, 5, 50)}
earned = {n: np.array([[e.total_reward for e in run] for run in runs]) for n, runs in walks.items()}
knew = {
    n: np.array([[knows_the_way(e.q) for e in run] for run in runs]) for n, runs in walks.items()
}
tabular.cliff(earned, knew)

# %% [markdown] tags=["lang-en"]
# Left: the return of each episode, mean and middle 80 % of the seeds, on an axis that is logarithmic away from zero.
# Right: the share of seeds whose greedy path takes the best 13 steps.
#
# <details><summary>What was seen</summary>
#
# Planning makes *knowing* much faster: half of the seeds know the best path after 2{{cliff[5] | .0f}} episodes with
# $n = 50$, after 21{{cliff[3] | .0f}} with $n = 5$, after 50{{cliff[1] | .0f}} without planning. What is *earned* ends in the same place for all
# three, between −48{{cliff[12] | .0f}} and −45{{cliff[10] | .0f}} over the last fifty episodes, and noisy. The best path runs along the edge, and there one *step* in
# forty is a fall: one action in ten is random, and one random action in four leads down. Q-learning values the greedy
# path as if it were walked without stumbling, and planning serves that same goal faster. More planning does not change
# what the agent is asking for.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="bf2e4d73"
# 左图：每个回合的回报，线是平均，色带是中间 80% 的种子，纵轴在远离零的地方是对数刻度。右图：贪心路径正好是最优的 13 步的种子所占的比例。
#
# <details><summary>看到了什么</summary>
#
# 规划让*知道*快了许多：$n = 50$ 时，2{{cliff[5] | .0f}} 个回合后就有一半的种子知道最优的路；$n = 5$ 要 21{{cliff[3] | .0f}} 个回合，不规划要 50{{cliff[1] | .0f}} 个回合。
# 而*得到*的回报，三者最后差不多，最后五十个回合平均在 −48{{cliff[12] | .0f}} 与 −45{{cliff[10] | .0f}} 之间，起伏很大。最优的路紧贴崖边，在那里平均每四十*步*就跌下去一次：十个动作里有一个随机，四个随机动作里有一个向下。
# Q-learning 评价贪心路径时，当作走路从不失足；规划只是更快地达到这同一个目标。规划再多，也不会改变智能体追求的目标。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Ice: when the same action has several outcomes
#
# On `FrozenLake-v1` the ice is slippery: an action goes where it should in one case of three, and to each side in one
# of three. Reaching the goal gives 1, a hole ends the episode with nothing.
#
# The table model of Dyna-Q keeps the *last* outcome of each pair. In the mazes that was the whole truth. Here planning
# replays one chance event as if it were certain, until another overwrites it. The remedy is small: keep all outcomes of
# a pair and imagine a random one of them (`remember_all=True`). Frequent outcomes are then imagined often.
#
# We measure the exact discounted return (γ = 0.99) of the greedy policy in the table, every 20 episodes, 20 seeds,
# $n = 10$. The optimum is known from value iteration.
#
# **Predict.** Order the three: Q-learning, Dyna-Q with the last outcome, Dyna-Q with all outcomes.

# %% [markdown] tags=["lang-zh"] twin="6a0eb4ed"
# ## 冰面：同一个动作有几种结果
#
# `FrozenLake-v1` 的冰面很滑：动作有三分之一的可能如愿，滑向两侧的可能各三分之一。到达终点得 1，掉进冰窟就一无所获地结束。
#
# Dyna-Q 的表格模型对每个状态—动作对只记*最近一次*的结果。在迷宫里，这已经说明一切；在这里，规划却把一次偶然当成必然反复重演，直到被下一次偶然覆盖。
# 补救不难：记住每个状态—动作对的全部结果，想象时随机取一个（`remember_all=True`），常见的结果自然想象得多。
#
# 我们每隔 20 个回合，算出表中贪心策略的精确折扣回报（γ = 0.99），20 个种子，$n = 10$。最优值由价值迭代（value iteration）给出。
#
# **先预测。** 给三者排个序：Q-learning，只记最近一次的 Dyna-Q，记住全部的 Dyna-Q。

# %%
from mbpo_teach.ground.language import text
from mbpo_teach.tables.mdp import exact_return

lake = episodic.tabular_mdp(gym.make("FrozenLake-v1"), gamma=0.99)
optimum = exact_return(lake, value_iteration(lake)[1])
checkpoints = np.arange(20, 301, 20)


def lake_returns(seed_count, **settings):
    config = dyna.DynaConfig(gamma=0.99, **settings)
    runs = []
    for seed in range(seed_count):
        learning = dyna.episodes(gym.make("FrozenLake-v1"), config, seed=seed)
        after = [episode.q for episode in islice(learning, int(checkpoints[-1]))][19::20]
        runs.append([exact_return(lake, episodic.greedy_policy(q)) for q in after])
    return np.array(runs)


# %% named="lake"
last = {n: lake_returns(20, planning_steps=n) for n in (0, 10)}
whole = {10: lake_returns(20, planning_steps=10, remember_all=True)}
on_ice = {
    text("dyna.q_learning"): last[0],
    text("dyna.dyna_q_last"): last[10],
    text("dyna.dyna_q_all"): whole[10],
}
tabular.lake(on_ice, checkpoints, best=optimum)

# %% [markdown] tags=["lang-en"]
# Lines are means over 20 seeds, bands the middle 80 %; the red line is the optimum, 0.54{{lake[3] | .2f}}.
#
# <details><summary>What was seen</summary>
#
# After 300 episodes Q-learning has come to 0.05{{lake[0] | .2f}}, Dyna-Q with the last outcome to 0.18{{lake[1] | .2f}}, with all
# outcomes to 0.45{{lake[2] | .2f}}. Even a misleading model beats none within so few episodes, but its curve jumps up and down, and its
# band is wide: at each moment the table follows whatever has just happened. With all outcomes the curve rises, with some
# spread, towards the optimum. (An episode is cut short after 100 steps here: a truncation, which stops no bootstrap.)
#
# </details>
#
# So a kind of model that was right in one world misleads in another. A better model is one cure. Suppose now that
# there is none: the model keeps the last outcome, and all that can be chosen is how much to plan with it. This is how far
# the agent trusts its model, for after each real step there come $n$ imagined ones, and all count alike.
#
# **Predict.** With the last outcome, the agents planned ten imagined steps for each real one. Would another $n$, larger
# than none, have been better? And with all outcomes, is $n = 1$ better or worse than $n = 10$?

# %% [markdown] tags=["lang-zh"] twin="a48d184d"
# 线是 20 个种子的平均，色带是中间 80%；红线是最优值 0.54{{lake[3] | .2f}}。
#
# <details><summary>看到了什么</summary>
#
# 300 个回合之后，Q-learning 到了 0.05{{lake[0] | .2f}}，只记最近一次的 Dyna-Q 到了 0.18{{lake[1] | .2f}}，记住全部的到了 0.45{{lake[2] | .2f}}。回合这样少，有误导的模型也比没有模型强；
# 但它的曲线忽上忽下，色带很宽：表格随时都在追随刚刚发生的事。记住全部结果时，各种子虽有散布，曲线总的来说在向最优值上升。（这里一个回合满 100 步就被截断，截断不停止自举。）
#
# </details>
#
# 可见同一种模型，在一个环境里是对的，到了另一个环境就会误导。换成更好的模型是一种办法。假如换不了呢？模型只记最近一次的结果，能选的只有用它规划多少。
# 这就是智能体信任模型的程度：每个真实步之后有 $n$ 个想象的步，它们对表的影响一样大。
#
# **先预测。** 只记最近一次时，智能体每走一个真实步，就规划十步。换一个不为零的 $n$，会不会更好？记住全部结果时，$n = 1$ 比 $n = 10$ 好还是差？

# %% tags=["nbval-check-output"] named="trust"
last |= {n: lake_returns(20, planning_steps=n) for n in (1, 2, 5)}
whole[1] = lake_returns(20, planning_steps=1, remember_all=True)
for remember_all, runs in ((False, last), (True, whole)):
    for n, returns in sorted(runs.items()):
        final = returns[:, -1]
        print(remember_all, n, f"{final.mean():.2f} {final.std(ddof=1) / 20**0.5:.2f}")

# %% named="less"
by_planning = dict(sorted(last.items()))
labs.lake_lab("planning_steps", by_planning, checkpoints, best=optimum, value=10)

# %% [markdown] tags=["lang-en"]
# Each line: whether all outcomes are remembered, $n$, the mean return after 300 episodes, and its standard error: how
# far a mean over twenty seeds typically lies from the mean over very many. The slider shows the runs with the last outcome.
#
# <details><summary>What was seen</summary>
#
# With the last outcome one imagined step for each real one is best: 0.32{{trust[4] | .2f}}, against
# 0.29{{trust[7] | .2f}} with two, 0.20{{trust[10] | .2f}} with five and 0.18{{trust[13] | .2f}} with ten. The fewer accidents are
# replayed between two real steps, the more the real ones, which obey the true chances, can correct. None at all is worst
# (0.05{{trust[1] | .2f}}): too little reaches the table in 300 episodes. With all outcomes it is the other way round: ten imagined
# steps bring 0.45{{trust[19] | .2f}}, one brings 0.38{{trust[16] | .2f}}. With standard errors of about 0.04{{trust[5] | .2f}}, one and
# two cannot be told apart with the last outcome, nor five and ten; one and ten can. With all outcomes the difference between one
# and ten is less than two standard errors here; with 60 seeds it is 0.11, with a standard error of 0.03.
#
# </details>
#
# Here, then, is the question that names this course, in a world of 16 cells. A wrong model is worth something, and can be
# trusted too much. How much trust is best depends on how wrong the model is: little for the one that remembers a single
# accident, more for the one that remembers all. Later chapters ask the same of networks, where trust is above all
# a matter of how many steps, $k$, a model is followed.
#
# Now the learning rate again, with all outcomes remembered, $n = 10$ and 10 seeds for each α.
#
# **Predict.** In the maze α did not matter. Here a value has to average over outcomes. What will α = 1 do?

# %% [markdown] tags=["lang-zh"] twin="c1d74589"
# 每行依次是：是否记住全部结果、$n$、300 个回合之后的平均回报，以及它的标准误（standard error），即二十个种子的平均与很多很多种子的平均通常相差多少。滑块显示只记最近一次的那些结果。
#
# <details><summary>看到了什么</summary>
#
# 只记最近一次时，每个真实步配一个想象的步最好：0.32{{trust[4] | .2f}}；两个是 0.29{{trust[7] | .2f}}，五个是 0.20{{trust[10] | .2f}}，十个是 0.18{{trust[13] | .2f}}。
# 真实的步遵循真实的概率；两个真实步之间重演的偶然越少，真实的步就越能纠正偏差。完全不规划最差（0.05{{trust[1] | .2f}}）：300 个回合里，传到表中的消息太少。
# 记住全部结果时正好相反：十个想象的步得到 0.45{{trust[19] | .2f}}，一个得到 0.38{{trust[16] | .2f}}。标准误约为 0.04{{trust[5] | .2f}}，所以只记最近一次时，一个与两个分不出高下，五个与十个也一样；一个与十个则分得出。记住全部结果时，这里一个与十个之差还不到两个标准误；用 60 个种子来测，差是 0.11，标准误 0.03。
#
# </details>
#
# 课程名字里的问题，在这个只有 16 格的环境里第一次有了实例。有错的模型也有用，但可能信得太多。信任多少最合适，取决于模型错多少：只记一次偶然的模型，少信一点；
# 记住全部结果的模型，可以多信一点。后面各章对神经网络提出同样的问题；那里最要紧的是，跟着模型连续走多少步，即 $k$。
#
# 现在再看学习率：记住全部结果，$n = 10$，每个 α 用 10 个种子。
#
# **先预测。** 在迷宫里 α 无关紧要。在这里，价值必须对各种结果取平均。α = 1 会怎样？

# %% named="alpha"
from mbpo_teach.records import archive

ice = archive.load("dyna_ice")
print(ice.provenance["command"])
by_alpha = dict(zip(ice.arrays["alpha"].tolist(), ice.arrays["returns"], strict=True))
labs.lake_lab("alpha", by_alpha, checkpoints, best=optimum, value=0.1)

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# Between 0.03 and 0.2 the return ends at 0.46 to 0.50 (0.47{{alpha[2] | .2f}} at 0.1), near the optimum, the red line. At 0.01 it is 0.24: each
# update moves too little for 300 episodes. At 0.5 it is 0.23 again, and at 1 it is 0.03: with α = 1 an entry holds what
# the last outcome, real or imagined, made of it, and no average is ever formed. The learning rate sets the length of the
# table's memory, about $1/\alpha$ updates. Where outcomes are certain one update is enough, where they vary it is not.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="c0d3a0b0"
# <details><summary>看到了什么</summary>
#
# α 在 0.03 到 0.2 之间时，最后的回报是 0.46 到 0.50（0.1 时是 0.47{{alpha[2] | .2f}}），接近最优值（红线）。α = 0.01 时是 0.24：每次更新动得太少，300 个回合不够。α = 0.5 时又降到 0.23，
# α = 1 时只有 0.03：这时表里的数完全由最近一次结果决定，不论那是真实的还是想象的，平均值无从谈起。学习率决定表格的记性有多长，大约是 $1/\alpha$ 次更新。
# 结果确定时，一次就够；结果多变时，一次远远不够。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Walls that move: Dyna-Q+
#
# A model can also be wrong because the world has changed since. In the *blocking maze* [1, example 8.2] the short way,
# of 10 steps, closes after 1000 steps and a longer one, of 16, opens at the other end of the wall. In the *shortcut
# maze* [1, example 8.3] nothing is closed: after 3000 steps a short way opens beside the long one.
#
# Dyna-Q+ is Dyna-Q with curiosity. In planning, and only there, a pair that has not been tried for τ real steps is
# imagined with a larger reward,
#
# $$r + \kappa\sqrt{\tau}.$$
#
# So planning itself builds plans to go and look. Two more things belong to it [1, section 8.3, footnote]: actions that
# were never tried in a visited state may be imagined too, and are at first assumed to lead back to that state with
# reward 0.
#
# **Predict.** Dyna-Q and Dyna-Q+ (κ = 0.001), both with $n = 10$, α = 1 and 20 seeds. Draw the two curves of the total
# reward: before the walls change, and after. Start with the blocking maze.

# %% [markdown] tags=["lang-zh"] twin="c6ab8e3a"
# ## 墙会移动：Dyna-Q+
#
# 世界变了，原来对的模型也会变错。在*阻塞迷宫* [1，例 8.2] 里，10 步的近路在 1000 步之后被堵上，墙的另一端打开一条 16 步的远路。
# 在*捷径迷宫* [1，例 8.3] 里什么都没有堵：3000 步之后，远路之外又开了一条近路。
#
# Dyna-Q+ 是有好奇心的 Dyna-Q。在规划时，也只在规划时，τ 个真实步没有试过的状态—动作对，想象中的奖励更大，多出来的部分叫作探索奖励（exploration bonus）：
#
# $$r + \kappa\sqrt{\tau}.$$
#
# 于是规划自己就会做出“去看一看”的计划。还有两点属于它的定义 [1，第 8.3 节脚注]：到过的状态里从未试过的动作也可以想象，起初假定它们回到原状态，奖励为 0。
#
# **先预测。** Dyna-Q 与 Dyna-Q+（κ = 0.001），都取 $n = 10$、α = 1、20 个种子。画一画两条累积奖励曲线：墙变化之前，以及之后。先看阻塞迷宫。


# %%
def changing(make_maze, kappa, *, step_count, seed_count=20):
    config = dyna.DynaConfig(planning_steps=10, alpha=1.0, kappa=kappa)
    return dyna.cumulative_reward(make_maze, config, step_count=step_count, seeds=range(seed_count))


def compare(make_maze, layouts, *, change_after, step_count):
    rewards = {
        text("dyna.dyna_q"): changing(make_maze, 0.0, step_count=step_count),
        text("dyna.dyna_q_plus"): changing(make_maze, 0.001, step_count=step_count),
    }
    worlds = [mazes.Maze(layout) for layout in layouts]
    return tabular.changing_world(*worlds, rewards, change_after=change_after)


# %% named="blocking"
blocking = mazes.BLOCKING_BEFORE, mazes.BLOCKING_AFTER
compare(mazes.blocking_maze, blocking, change_after=1000, step_count=3000)

# %% [markdown] tags=["lang-en"]
# Left: the maze before and after. Right: how often the goal has been reached up to each real step. Lines are means over
# 20 seeds, bands the middle 80 %, the vertical line is the change.
#
# <details><summary>What was seen</summary>
#
# Both curves go flat when the wall moves. Dyna-Q+ climbs again within some 500 steps, the seeds agree, and it ends at
# 138{{blocking[3] | .0f}} goals against Dyna-Q's 83{{blocking[1] | .0f}}. Dyna-Q climbs slowly on average, and its band is wide: some seeds soon go through the gap, others hardly reach the
# goal again. Their model learns at once that the old way is closed. But the old values fade slowly, and an action that has
# kept a trace of value is preferred to one never tried, which is worth 0. So the agent walks to and fro among what it knows;
# most seeds even step into the gap, and many of these turn back there. Here less planning is no cure:
# in the 2000 steps after the change Dyna-Q reaches the goal 3, 14, 20 and 14 times with $n$ = 0, 1, 2 and 5, and 30 times with ten.
#
# </details>
#
# **Predict.** Now the shortcut maze, where the old way stays open. Will Dyna-Q ever notice the new one?

# %% [markdown] tags=["lang-zh"] twin="933e5ab5"
# 左图：变化前后的迷宫。右图：到每个真实步为止，到达终点的总次数。线是 20 个种子的平均，色带是中间 80%，竖线是变化的时刻。
#
# <details><summary>看到了什么</summary>
#
# 墙一移动，两条曲线都变平。Dyna-Q+ 在大约 500 步之内重新上升，各个种子相差不大，最后是 138{{blocking[3] | .0f}} 次，Dyna-Q 是 83{{blocking[1] | .0f}} 次。Dyna-Q 平均上升得很慢，色带很宽：有的种子很快就穿过了缺口，
# 有的几乎再也没有到过终点。它们的模型马上就知道旧路不通了；可是旧的价值消退得很慢，只要还剩一点，这个动作就胜过价值为零、从未试过的动作。于是智能体在已知的地方来回走；
# 大多数种子甚至走进过缺口，其中许多又折了回来。
# 在这里，少做规划并不管用：变化之后的 2000 步里，$n$ 取 0、1、2、5 时，Dyna-Q 分别到达终点 3、14、20、14 次，取十时是 30 次。
#
# </details>
#
# **先预测。** 再看捷径迷宫，旧路一直通着。Dyna-Q 会注意到新路吗？

# %% named="shortcut"
shortcut = mazes.SHORTCUT_BEFORE, mazes.SHORTCUT_AFTER
compare(mazes.shortcut_maze, shortcut, change_after=3000, step_count=6000)

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# Dyna-Q goes on at nearly the same slope, as if nothing had happened: no failure tells it to look.
# Before the change Dyna-Q+ is a little behind, 123{{shortcut[2] | .0f}} goals against 135{{shortcut[0] | .0f}} at step 3000, because looking around takes steps.
# Afterwards it finds the shortcut, its curve steepens, and it ends at 349{{shortcut[3] | .0f}} against 300{{shortcut[1] | .0f}}. Of the two ways in which a model
# can be out of date, this is the harder to notice: a world that got *better* sends no bad news.
#
# </details>
#
# **Predict.** κ sets how strong curiosity is. In the shortcut maze, what do a κ ten times smaller and a κ
# three times larger than 0.001 do? The slider's runs use 10 seeds each; κ = 0 is plain Dyna-Q. They are
# recorded, as those over α were: `python tools/record_dyna.py` makes both records again.

# %% [markdown] tags=["lang-zh"] twin="2add89ea"
# <details><summary>看到了什么</summary>
#
# Dyna-Q 几乎沿着原来的斜率继续，好像什么也没有发生：没有任何失败提醒它去看一看。变化之前，Dyna-Q+ 略为落后，第 3000 步时是 123{{shortcut[2] | .0f}} 次对 135{{shortcut[0] | .0f}} 次，
# 因为四处查看也要用掉真实步。变化之后，它找到了近路，曲线变陡，最后是 349{{shortcut[3] | .0f}} 次对 300{{shortcut[1] | .0f}} 次。模型过时有两种情形，这一种更难发现：世界变*好*了，不会有坏消息传来。
#
# </details>
#
# **先预测。** κ 决定好奇心有多强。在捷径迷宫里，κ 取 0.001 的十分之一，或者取它的三倍，会怎样？滑块的每个值用 10 个种子；κ = 0 就是 Dyna-Q。这些结果与上面 α 的一样，是事先记录的：`python tools/record_dyna.py` 会重做这两份记录。

# %% named="kappa"
recorded = archive.load("dyna_shortcut").arrays
by_kappa = dict(zip(recorded["kappa"].tolist(), recorded["rewards"], strict=True))
labs.kappa_lab(by_kappa, change_after=3000, value=0.001)

# %% [markdown] tags=["lang-en"]
# <details><summary>What was seen</summary>
#
# With κ = 0.0001 or 0.0003 the agent does not take up the shortcut: 298 or 299 goals, hardly more
# than Dyna-Q's 295. At 0.0006 and 0.001 the curve bends after the change and reaches about 345 and 350{{kappa[2] | .0f}}. From 0.0015 on, looking
# around takes more steps than it saves, and at 0.003 the agent wanders about, with 47 goals in all. The bonus competes with real
# rewards: it has to exceed the gap between the best plan and the next one now and then, and must not drown them.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="7ce1f959"
# <details><summary>看到了什么</summary>
#
# κ = 0.0001 或 0.0003 时，智能体没有改走近路：298 或 299 次，与 Dyna-Q 的 295 次相差无几。0.0006 和 0.001 时，曲线在变化之后转弯，达到约 345 次和 350{{kappa[3] | .0f}} 次。
# 从 0.0015 起，四处查看用掉的步数比省下的多；到 0.003，智能体一味闲逛，总共只有 47 次。探索奖励要与真正的奖励竞争：它必须不时超过最好的计划与次好的计划之差，
# 又不能把真正的奖励淹没。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Exercise 01-3: what Dyna-Q+ imagines
#
# Write the function that Dyna-Q+ asks in planning. It gets the model, a dictionary as in exercise 01-2; `last_tried`, a
# dictionary from pairs to the real step at which they were last tried; a pair; the present step `now`; and κ. It
# returns reward with bonus, next state, and whether the step terminates. A pair that is in neither dictionary was never
# tried: it is assumed to lead back to its own state with reward 0, and counts as last tried at step 0.
#
# A pair with reward 1, last tried at step 75, gives reward 1.5 at step 100 with κ = 0.1. A pair never tried gives 1.0.
#
# <details><summary>Hint</summary>
#
# `model.get(pair, default)` with the right default covers both kinds of pair. The bonus is κ times the square root of
# the waiting time. Do not write the bonus into the model: it would be there again next time.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="d7a3a9bc"
# ## 练习 01-3：Dyna-Q+ 的想象
#
# 写出 Dyna-Q+ 规划时所问的函数。给定：模型，与练习 01-2 相同的字典；`last_tried`，也是字典：键为状态—动作对，值为上次尝试时的真实步数；一个状态—动作对；
# 当前步数 `now`；以及 κ。返回加上探索奖励之后的奖励、下一个状态、是否终止。两个字典里都没有的状态—动作对从未试过：假定它回到自己的状态，奖励为 0，
# 并当作第 0 步试过。
#
# 一个奖励为 1、上次在第 75 步试过的状态—动作对，κ = 0.1，在第 100 步给出的奖励是 1.5。从未试过的给出 1.0。
#
# <details><summary>提示</summary>
#
# 用 `model.get(pair, default)`，默认值取对了，两种情形就都包括了。探索奖励是 κ 乘以等待时间的平方根。不要把它写进模型，否则下次还会在那里。
#
# </details>

# %% mbpo={"exercise": "01-3", "role": "setup"}
import math

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "01-3", "role": "answer"}
def imagine(model, last_tried, state, action, now, kappa):
    """Return (reward with bonus, next state, terminated) as Dyna-Q+ imagines them."""
    ### BEGIN SOLUTION
    pair = (state, action)
    reward, next_state, terminated = model.get(pair, (0.0, state, False))
    waited = now - last_tried.get(pair, 0)
    return reward + kappa * math.sqrt(waited), next_state, terminated
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target; run the cell to see yours.

# %% [markdown] tags=["lang-zh"] twin="cd402a83"
# 下面存着的一行是目标；运行单元格，看到的才是你的结果。

# %% mbpo={"exercise": "01-3", "role": "check"}
check("01-3", imagine)

# %% [markdown] tags=["lang-en"]
# ## What a table cannot do
#
# Dyna-Q's model stores transitions that were met, and nothing else. A state that is new by a hair is simply unknown. A
# pendulum's angle and speed are real numbers, and hardly ever does a state return exactly: in the data below none does. The obvious way out is to cut each
# dimension into bins and to treat each cell as a state.
#
# Below, `Pendulum-v1` is moved with random torques for 6000 steps. A row of the data is angle, speed and torque. From
# the first 5000 rows the table notes which cells were visited. Then we ask of 1000 new steps: was this cell met before,
# so that the model has an answer at all?
#
# **Predict.** With 10 bins per dimension there are 1000 cells. How many of the new steps fall into a visited cell? And
# with 50 bins, which is one bin for every seven degrees of angle?

# %% [markdown] tags=["lang-zh"] twin="ce82bb8e"
# ## 表格做不到什么
#
# Dyna-Q 的模型只存储之前遇到的转移，此外一无所知。一个状态只要差之毫厘，就是陌生的。摆的角度和角速度是实数，同一个状态几乎不会分毫不差地重现：下面的数据里一个也没有。
# 显而易见的办法是把每个维度切成若干格，每个小格当作一个状态。
#
# 下面用随机的力矩推动摆（`Pendulum-v1`，国内常称倒立摆）走 6000 步，数据的一行是角度、角速度和力矩。前 5000 行用来记下到过哪些格子，再问其后的 1000 步：这个格子以前到过吗？
# 只有到过，模型才有答案。
#
# **先预测。** 每个维度 10 格，一共 1000 格，新的转移有多大比例落在到过的格子里？每个维度 50 格，也就是角度每 7 度一格，又会怎样？

# %% named="coverage"
pendulum, rng = gym.make("Pendulum-v1"), generator(0, "torque")
(cosine, sine, speed), _ = pendulum.reset(seed=0)
rows = []
for _ in range(6000):
    torque = rng.uniform(-2, 2, size=1).astype(np.float32)
    rows.append([np.arctan2(sine, cosine), speed, torque[0]])
    (cosine, sine, speed), _, _, truncated, _ = pendulum.step(torque)
    if truncated:
        (cosine, sine, speed), _ = pendulum.reset()
rows = np.array(rows)
high = np.array([np.pi, 8.0, 2.0])
labs.coverage_lab(rows[:5000], rows[5000:], low=-high, high=high, value=20)

# %% [markdown] tags=["lang-en"]
# Left: the visited cells of the plane of angle and speed, whatever the torque. The table has one more dimension than the
# picture, so it is emptier than it looks. Right: both shares against the number of bins, on a logarithmic axis; the
# dots mark the slider.
#
# <details><summary>What was seen</summary>
#
# With 10 bins nearly all new steps fall into a visited cell, but a cell then spans 36 degrees, and
# steps with quite different outcomes count as the same. With 20{{coverage[0] | .0f}} bins about 64{{coverage[4] | .0f}} % are known, with 30 about a quarter, with
# 50 only 8 %, while 4 % of the cells have been visited. So the table has a choice between being blurred and being
# empty. From five bins on the blue curve lies above the orange one, because new steps go where old ones went; that is no help to an agent
# that wants to go elsewhere.
#
# </details>
#
# And the pendulum is an easy case: two dimensions of state, one of action. Count the cells for Hopper, a robot leg with
# 11 observed numbers and 3 motors, at a crude five bins each.

# %% [markdown] tags=["lang-zh"] twin="425d65f4"
# 左图：角度与角速度平面上到过的格子，不论力矩。表格比图多一个维度，所以比看上去更空。右图：两个比例随格数的变化，横轴是对数刻度，圆点是滑块的位置。
#
# <details><summary>看到了什么</summary>
#
# 10 格时，新的一步几乎总是落在到过的格子里；可是一格就有 36 度宽，结果很不相同的转移都算成一样。20{{coverage[0] | .0f}} 格时认得的约占 64{{coverage[4] | .0f}}%，30 格时约四分之一，
# 50 格时只有 8%，到过的格子只占 4%。所以表格只能二选一：要么模糊，要么空白。从 5 格起，蓝线在橙线上方，是因为新数据总往旧数据去过的地方走；
# 对一个想去别处的智能体，这没有帮助。
#
# </details>
#
# 而摆还算容易的：状态两维，动作一维。再数一数 Hopper 的格子：这条机器腿有 11 个观测值、3 个电机，每个维度粗略地切成五格。

# %% tags=["nbval-check-output"] named="cells"
print(f"{5 ** (11 + 3):,}")

# %% [markdown] tags=["lang-en"]
# Six billion cells (6,103,515,625{{cells[0] | .0f}}); a million real steps could visit at most one in six thousand of them.
#
# ## From here to MBPO
#
# - **Another kind of model.** To imagine a step from a state it has never met, a model has to generalise. MBPO
#   learns its model with neural networks, an ensemble of them, as in PETS [3]. It then answers for any state and action,
#   continuous ones included; but it can be wrong anywhere, as a memory of a certain and unchanging world cannot.
# - **The same loop.** MBPO [2] keeps lines (a) to (f). Real steps feed a model, the model feeds imagined steps, and
#   both train the agent. Q-learning gives way to SAC, a model-free method for continuous actions, which learns from a
#   mix of real and imagined steps.
# - **The same hope.** Imagined steps are to replace real ones, so that fewer real steps are needed than a model-free method
#   takes: a higher sample efficiency. This chapter measured it for tables: 1998{{steps[3] | .0f}} real steps against 5084, with $n = 5$.
#   For MuJoCo the paper reports it [2, section 6].
# - **The same start.** Line (f) draws pairs that were really met and imagines *one* step. A branched rollout of length
#   $k = 1$ does nearly the same: it too starts from a state that was really visited, but asks the present policy for the
#   action. With a model that generalises one may go further, and must ask how far: errors compound. When such a model
#   may be trusted, and for how many steps, is what the rest of the course is about.

# %% [markdown] tags=["lang-zh"] twin="8af1742b"
# 六十亿个格子（6,103,515,625{{cells[0] | .0f}}）：即使真走上一百万步，也至多到过其中的六千分之一。
#
# ## 从这里到 MBPO
#
# - **另一种模型。** 要从没有见过的状态出发想象一步，模型必须会泛化。MBPO 的模型是神经网络，而且和 PETS [3] 一样是若干网络组成的模型集成（ensemble）。
#   它对任意的状态和动作都有答案，连续的也不例外；但它也因此处处可能出错，而对一个确定、不变的世界的记忆是不会出错的。
# - **同样的循环。** MBPO [2] 保留了 (a) 到 (f) 各行：真实经验用来训练模型，模型再产生想象的经验，两者一起训练智能体。Q-learning 换成了 SAC，一种适用于连续动作的无模型方法，
#   用真实数据和模型生成的数据混合训练。
# - **同样的希望。** 用想象的经验代替真实的经验，使所需的真实步数比无模型方法少，也就是提高样本效率（sample efficiency）。本章在表格上量过：$n = 5$ 时是 1998{{steps[3] | .0f}} 步对 5084 步。论文在 MuJoCo 上也报告了更高的样本效率 [2，第 6 节]。
# - **同样的起点。** (f) 行抽取的是真实遇到过的状态—动作对，只想象*一步*。长度 $k = 1$ 的分支推演（branched rollout）与此几乎相同：
#   它也从真实访问过的状态出发，只是动作由当前策略来选。模型会泛化之后可以走得更远，但必须问能走多远，因为误差会累积。
#   这样的模型何时可以信任、可以信任几步，正是本课程其余部分要讲的。

# %% [markdown] tags=["lang-en"]
# ## Quiz
#
# **1. An agent with $n = 50$ has not yet reached the goal of the Dyna maze once. What has planning achieved so far?**
#
# <details><summary>Answer</summary>
#
# Nothing. All remembered rewards are zero, all values are zero, so every imagined surprise is zero. That is why all the
# curves start at the same point.
#
# </details>
#
# **2. A time limit ends an episode, and a program stores `done = terminated or truncated` and drops the future when
# `done` is true. What does the agent learn wrongly?**
#
# <details><summary>Answer</summary>
#
# That nothing follows the state in which the clock ran out. Values there, and before, come out wrong: too low where
# rewards would have followed, too high where costs would have, as on the cliff. Only `terminated` may stop the bootstrap.
#
# </details>
#
# **3. In the blocking maze Dyna-Q's model notices the closed way at the first bump. Why does the agent still take so
# long?**
#
# <details><summary>Answer</summary>
#
# Being right about the old way does not point to the new one. The old values fade slowly, and a known action that has
# kept a trace of them beats an untried one, worth 0: the agent wanders among what it knows, and may turn back even in the
# new gap. Dyna-Q+ is driven by the pairs which it has not tried for long.
#
# </details>
#
# **4. With 50 bins per dimension the table knew only 8 % of the pendulum's new steps. Would a million steps
# of data solve the problem?**
#
# <details><summary>Answer</summary>
#
# For the pendulum it would help, for 125,000 cells are within reach. But the number of cells is bins to the power of
# the dimensions. For Hopper at five bins it is six billion, and each further dimension multiplies it by five.
#
# </details>
#
# **5. Name two ways in which this chapter's model was wrong, and what cured each. Where did planning less help?**
#
# <details><summary>Answer</summary>
#
# On the ice, one remembered outcome stood for chance: keeping all outcomes cured it, and planning less was a relief: with
# $n = 1$ the wrong model brought 0.32{{trust[4] | .2f}}, with $n = 10$ only 0.18{{trust[13] | .2f}}. In the changing mazes the memory was out of
# date: the bonus κ√τ, which sends the agent to look again, cured it. There planning less was no help: in the blocking
# maze Dyna-Q reached the goal less often with every smaller $n$ that we tried.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="ac3eecbe"
# ## 小测
#
# **1. 一个 $n = 50$ 的智能体还一次都没有到过 Dyna 迷宫的终点。到目前为止，规划起了什么作用？**
#
# <details><summary>答案</summary>
#
# 没有任何作用。记住的奖励全是零，价值全是零，想象中的每次意外也就是零。所以几条曲线的起点相同。
#
# </details>
#
# **2. 时间限制结束了一个回合，程序存的是 `done = terminated or truncated`，并在 `done` 为真时去掉后续的价值。智能体会学错什么？**
#
# <details><summary>答案</summary>
#
# 它会以为时间用完之后什么也不会再有。那里以及之前的价值都会算错：后面本该有奖励的，偏低；后面本该有代价的（如悬崖那里），偏高。只有 `terminated` 才能停止自举。
#
# </details>
#
# **3. 在阻塞迷宫里，Dyna-Q 的模型一撞墙就知道旧路不通了。为什么智能体还是要花那么久？**
#
# <details><summary>答案</summary>
#
# 知道旧路不通，并不等于知道新路在哪里。旧的价值消退得很慢，走过的动作只要还剩一点价值，就胜过价值为零、从未试过的动作：智能体在已知的地方来回走，走进了新缺口也可能折回来。
# Dyna-Q+ 则受久未尝试的状态—动作对驱使。
#
# </details>
#
# **4. 每个维度 50 格时，摆的新数据中，表格只认得 8%。有一百万步数据，问题就解决了吗？**
#
# <details><summary>答案</summary>
#
# 对摆会有帮助，12.5 万个格子还够得着。但格子的数目是“格数的维数次方”。Hopper 每维五格就有六十亿，每多一维再乘以五。
#
# </details>
#
# **5. 本章的模型在哪两种情形下是错的？各靠什么解决？少做规划在哪里有帮助？**
#
# <details><summary>答案</summary>
#
# 在冰面上，记住的一次结果冒充了概率：记住全部结果就解决了；少做规划也能缓解，同一个有错的模型，$n = 1$ 时得到 0.32{{trust[4] | .2f}}，$n = 10$ 时只有 0.18{{trust[13] | .2f}}。
# 在会变化的迷宫里，记忆过时了：探索奖励 κ√τ 让智能体回去再看，就解决了。少做规划在那里没有用：在阻塞迷宫里，用我们试过的每一个更小的 $n$，Dyna-Q 到达终点的次数都更少。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Take-aways
#
# - Dyna-Q is Q-learning that repeats the same update on remembered steps. Where what it remembers is
#   right, more computation means fewer real steps.
# - Planning spreads what is known; it finds nothing new. Exploration does that, in the world, not in the model.
# - Truncation never stops a bootstrap; termination always does.
# - The learning rate matters where outcomes vary. A table that remembers only the last outcome misleads there.
# - A wrong model can be worth something and still be trusted too much: on the ice one imagined step for each real one
#   did better than ten.
# - A model can be wrong from the start or become wrong. Dyna-Q+ spends some steps all the time in order to notice changes.
# - A table holds only what it met. In continuous worlds the next step is almost always new, and a model has to
#   generalise.
#
# ## References
#
# 1. R. S. Sutton and A. G. Barto, *Reinforcement Learning: An Introduction*, 2nd edition, MIT Press, 2018. Equation 6.8
#    and example 6.6 (Q-learning, cliff); section 8.2, the box "Tabular Dyna-Q", example 8.1, figures 8.2 and 8.3;
#    section 8.3, examples 8.2 and 8.3 and the footnote on Dyna-Q+.
# 2. M. Janner, J. Fu, M. Zhang and S. Levine, *When to Trust Your Model: Model-Based Policy Optimization*, NeurIPS 2019,
#    [arXiv 1906.08253](https://arxiv.org/abs/1906.08253). Algorithm 2 and section 6.
# 3. K. Chua, R. Calandra, R. McAllister and S. Levine, *Deep Reinforcement Learning in a Handful of Trials using
#    Probabilistic Dynamics Models*, NeurIPS 2018, [arXiv 1805.12114](https://arxiv.org/abs/1805.12114). Section 4.
# 4. M. Towers and others, *Gymnasium: A Standard Interface for Reinforcement Learning Environments*, 2024,
#    [arXiv 2407.17032](https://arxiv.org/abs/2407.17032).
#
# **Next:** [Chapter 02](02_ensemble.ipynb) replaces the table by networks, and asks where they guess. Who wants the theory
# first can go on with [chapter 04, When to trust](04_when_to_trust.ipynb): it needs nothing but small tables like those
# of this chapter, and asks what can be proved about a policy that was improved inside a wrong model.

# %% [markdown] tags=["lang-zh"] twin="3dc66047"
# ## 要点
#
# - Dyna-Q 就是在记住的转移上重复同样更新的 Q-learning：只要记住的是对的，多做计算，就能少走真实步。
# - 规划传播已知的事，发现不了新东西；发现要靠探索，而且是在环境里，不是在模型里。
# - 截断从不停止自举，终止总是停止自举。
# - 结果多变的地方，学习率才重要；只记最近一次结果的表格在那里会误导。
# - 有错的模型也有用，但可能信得太多：在冰面上，每个真实步配一个想象的步，比配十个更好。
# - 模型可能一开始就错，也可能后来变错。Dyna-Q+ 始终用一部分步数四处查看，好及时发现变化。
# - 表格只存遇到过的转移。在连续的环境里，下一步几乎总是新的，模型必须会泛化。
#
# ## 参考文献
#
# 1. R. S. Sutton, A. G. Barto, *Reinforcement Learning: An Introduction*，第 2 版，MIT Press，2018。式 6.8 与例 6.6（Q-learning，悬崖）；
#    第 8.2 节“Tabular Dyna-Q”方框、例 8.1、图 8.2 和图 8.3；第 8.3 节例 8.2、例 8.3 以及关于 Dyna-Q+ 的脚注。
# 2. M. Janner, J. Fu, M. Zhang, S. Levine, *When to Trust Your Model: Model-Based Policy Optimization*，NeurIPS 2019，
#    [arXiv 1906.08253](https://arxiv.org/abs/1906.08253)。算法 2 与第 6 节。
# 3. K. Chua, R. Calandra, R. McAllister, S. Levine, *Deep Reinforcement Learning in a Handful of Trials using Probabilistic
#    Dynamics Models*，NeurIPS 2018，[arXiv 1805.12114](https://arxiv.org/abs/1805.12114)。第 4 节。
# 4. M. Towers 等, *Gymnasium: A Standard Interface for Reinforcement Learning Environments*，2024，[arXiv 2407.17032](https://arxiv.org/abs/2407.17032)。
#
# **下一章：**[第 02 章](02_ensemble.ipynb)把表格换成网络，并且问：它们在哪里是猜的？想先看理论，也可以接着读[第 04 章“何时信任”](04_when_to_trust.ipynb)：
# 它只需要本章这样的小表格，讨论在有错的模型里改进的策略，究竟能证明什么。
