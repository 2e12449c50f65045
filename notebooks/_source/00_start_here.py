# %% [markdown] tags=["lang-en"]
# # 00 · Start here
#
# English · [中文](../zh/00_start_here.ipynb)
#
# **When to Trust Your Model** is a course on model-based policy optimization: an agent learns a model of its world,
# practises inside that model, and has to know how far the practice can be believed.
#
# Here is its first slider. A reward that comes $t$ steps later counts $\gamma^t$, where $\gamma$ is the discount; all
# these weights together make the *effective horizon* $1/(1-\gamma)$. **Predict:** by what factor does it grow from
# $\gamma = 0.9$ to $0.99$: one tenth more, twice, ten times? Then click the next cell, press Shift+Enter, and drag the
# slider or press an arrow key.

# %% [markdown] tags=["lang-zh"] twin="357225a4"
# # 00 · 从这里开始
#
# [English](../en/00_start_here.ipynb) · 中文
#
# **何时信任你的模型**是一门关于基于模型的策略优化的课程：智能体先学一个环境模型，再在模型里练习，同时必须清楚这种练习有几分可信。
#
# 先来动一动第一个滑块。$t$ 步之后的奖励只按 $\gamma^t$ 计算，$\gamma$ 是折扣因子；所有权重加起来是 $1/(1-\gamma)$，叫作*有效视野*。
# **先预测。** $\gamma$ 从 $0.9$ 变到 $0.99$，有效视野会变成多大：多十分之一，两倍，还是十倍？想好之后，点一下下面的单元格，按 Shift+Enter，再拖动滑块，或者按方向键。

# %% named="discount"
from mbpo_teach.widgets.start import discount_lab

discount_lab()

# %% [markdown] tags=["lang-en"]
# Left: the weight of a reward against the number of steps until it comes, with the effective horizon as a dashed line.
# Right: the largest possible return for $r_{\max} = 1$ against $\gamma$, on a logarithmic axis; the dot is where the slider stands.
#
# <details><summary>What was seen</summary>
#
# At $\gamma = 0.9${{discount[0] | .1f}} the horizon is 10{{discount[1] | .0f}} steps, at 0.99 it is 100: a change of $\gamma$ by one tenth made
# it ten times as long, because only the distance to 1 matters. At both of these horizons the weight has fallen to a
# little over a third, not to zero. Near $\gamma = 1$ the right curve climbs without end. The bound of chapter 04 grows
# with the square of $1/(1-\gamma)$, the trivial level only with its first power: the bound is soon above it.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="03ae1263"
# 左图：奖励的权重随步数的变化，虚线是有效视野。右图：$r_{\max} = 1$ 时回报的上限随 $\gamma$ 的变化，纵轴是对数刻度，圆点是滑块的位置。
#
# <details><summary>看到了什么</summary>
#
# $\gamma = 0.9${{discount[0] | .1f}} 时有效视野是 10{{discount[1] | .0f}} 步，0.99 时是 100 步：$\gamma$ 只增加了一成，视野却变成十倍，因为起作用的只是它离 1 还有多远。
# 在这两个视野处，权重都降到三分之一多一点，并没有降到零。$\gamma$ 接近 1 时，右边的曲线一路上升，没有尽头。第 04 章的性能界按
# $1/(1-\gamma)$ 的平方增长，平凡界只按一次方增长，所以性能界很快就会超过它。
#
# </details>

# %% [markdown] tags=["lang-en"]
# The course is for students and engineers who know Python and a little reinforcement learning. Every term is explained
# in its [glossary](../../docs/glossary.md).
#
# | this chapter | in short |
# |---|---|
# | **Objectives** | Know what the course is about and where it comes from; set it up; use a slider, an exercise and a check; read its notation; say what a discount does. |
# | **Prerequisites** | Python; what a state, an action, a reward and a policy are. |
# | **Reading time** | 25 minutes |
# | **Run time** | about 5 s on two cores |

# %% [markdown] tags=["lang-zh"] twin="2bb222f2"
# 课程面向会 Python、略懂强化学习的学生和工程师。用到的每个术语，[术语表](../../docs/glossary.md)里都有解释。
#
# | 本章 | 概要 |
# |---|---|
# | **学习目标** | 知道这门课讲什么、从何而来；装好环境；会用滑块、练习和检查；看懂记号；说清折扣因子的作用。 |
# | **预备知识** | Python；知道状态、动作、奖励和策略是什么。 |
# | **阅读时间** | 25 分钟 |
# | **运行时间** | 双核机器上约 5 秒 |

# %% [markdown] tags=["lang-en"]
# ## The question
#
# Reinforcement learning needs experience, and real experience is dear: a robot wears out, a simulator of fluids takes
# hours. A *model* of the environment, learned from the steps taken so far, makes experience cheap. But the model is
# wrong in places, and an agent that practises in it learns to exploit its mistakes. So: **when may a learned model be
# trusted, and for how many steps?**
#
# In 2019 Michael Janner, Justin Fu, Marvin Zhang and Sergey Levine of the University of California, Berkeley, gave an
# answer at NeurIPS, in the paper whose title this course borrows [1]. Their algorithm is **MBPO**, model-based policy
# optimization. This is its story, as the chapters tell it.
#
# 1. **Dyna-Q** (Sutton, 1990; [6]) stores each step it has met and replays it between real steps. Its model is a table, so
#    it can only repeat what it has met; it suits worlds with few states. That is chapter 01.
# 2. For continuous states and actions the table becomes a neural network, which also answers for states never met.
#    **PETS** [2] trains several such networks, an *ensemble*, so that their disagreement shows where they guess.
#    It plans with them and learns no policy; MBPO models its environment in the same way, and learns one.
# 3. A run of steps inside the model is a **rollout**. The paper weighs two things that its length does. As a rollout
#    grows longer, its errors feed on each other: this is **compounding error**. Yet a longer rollout also takes the
#    policy further beyond what it did before, and may improve it more. The length has to balance the two.
# 4. Hence the **branched rollout**: start from states that were really visited, not from the first state of an
#    episode, and follow the model for only a few steps. The number of steps, $k$, balances sample
#    efficiency against the performance of the policy, and has to be chosen with care.
# 5. The paper backs this with theory: lower bounds on the real return, given how wrong the model is and how far the
#    policy has moved. Chapter 04 takes the first of them apart.
# 6. MBPO has the loop of Dyna-Q, with the model-free part, Q-learning, replaced by **SAC** [3], which learns from a
#    mix of real and imagined steps.

# %% [markdown] tags=["lang-zh"] twin="97b16655"
# ## 要回答的问题
#
# 强化学习离不开经验，而真实的经验来之不易：机器人会磨损，一次流体仿真要算几个小时。用已有的真实数据学出一个环境*模型*，经验就容易得到了。
# 可是模型总有不准的地方，在里面练习的智能体会学会钻它的空子。于是问题来了：**学到的模型什么时候可以信任，可以信任几步？**
#
# 2019 年，加州大学伯克利分校的 Michael Janner、Justin Fu、Marvin Zhang 和 Sergey Levine 在 NeurIPS 上给出了一个回答，本课程的名字就取自那篇论文
# [1]。他们的算法叫 **MBPO**，即基于模型的策略优化（model-based policy optimization）。各章要讲的故事如下。
#
# 1. **Dyna-Q**（Sutton，1990；[6]）把遇到过的每一步存下来：每在真实环境中走一步，就从记忆里回放几步。它的模型是一张表，只能重复见过的东西，适合状态很少的环境。
#    这是第 01 章。
# 2. 状态和动作连续时，表换成神经网络，没见过的状态也能给出预测。**PETS** [2] 同时训练若干个这样的网络，称为*模型集成*（ensemble）：
#    各成员意见不一的地方，就是它们在猜的地方。PETS 用它们做规划，不学策略；MBPO 建立环境模型的办法与它相同，但要学一个策略。
# 3. 在模型中连续走若干步，叫作**推演**（rollout）。推演的长度有两方面的作用，论文要权衡的就是它们：推演越长，误差就越是一步叠着一步，这叫**复合误差**（compounding error）；另一方面，推演长一些，策略也可能比原来改进得更多。
#    推演长度必须在两者之间权衡。
# 4. 由此得到**分支推演**（branched rollout）：不从回合的初始状态开始完整地推演，而是从真实访问过的状态出发，只在模型里走少数几步。步数 $k$
#    平衡样本效率（sample efficiency）和策略性能，是需要仔细选择的重要超参数。
# 5. 论文为此给出了理论：知道模型错多少、策略偏离多少，就能得到真实回报的下界。第 04 章把其中第一个拆开来看。
# 6. MBPO 的循环与 Dyna-Q 十分相似，只是把无模型的部分由 Q-learning 换成了 **SAC** [3]，并用真实数据和模型生成的数据混合训练策略。

# %% [markdown] tags=["lang-en"]
# ### Its standing
#
# The authors report, for continuous control tasks in MuJoCo, that MBPO learns faster than the model-based methods
# before it, and reaches the final performance of the best model-free ones, SAC among them, from far fewer real steps
# [1, section 6]. These are the paper's results, on the paper's tasks. What it has not measured this course does not
# claim as its own, and it says where each number comes from.
#
# Is it a milestone of model-based reinforcement learning? What can be checked is that others built on it: MOPO [4]
# carries it over to learning from a fixed data set, and the library mbrl-lib [5] offers it as one of its reference
# algorithms.

# %% [markdown] tags=["lang-zh"] twin="7378d082"
# ### 它的地位
#
# 论文作者报告：在 MuJoCo 的连续控制任务上，MBPO 比此前的基于模型的方法学得更快；与 SAC 等最好的无模型方法相比，它用少得多的真实步数就达到了同样的最终性能
# [1，第 6 节]。这是论文在它自己的任务上得到的结果。没有亲自测量过的结论，本课程不会当作自己的；每个数字从哪里来，都会写明。
#
# 它算不算基于模型的强化学习的里程碑？可以查证的是，后来的工作确实建立在它之上：MOPO [4] 把它用到只有固定数据集的离线学习，
# 程序库 mbrl-lib [5] 把它列为参考算法之一。

# %% [markdown] tags=["lang-en"]
# ## A map of the chapters
#
# | chapter | idea |
# |---|---|
# | **00 Start here** | the map, the tools, the notation |
# | [**01 Dyna-Q**](01_dyna_q.ipynb) | learn from real and from imagined steps; what a table cannot do |
# | [**02 Ensemble**](02_ensemble.ipynb) | several networks, whose disagreement shows where they guess |
# | [**03 Compounding error**](03_compounding_error.ipynb) | small errors grow; how fast |
# | [**04 When to trust**](04_when_to_trust.ipynb) | the bound of theorem 4.1, and what it can and cannot promise |
# | [**05 Branched rollouts**](05_branched_rollout.ipynb) | branch from where you have been, briefly; choosing $k$ |
# | [**06 SAC**](06_sac.ipynb) | the model-free learner inside MBPO |
# | [**07 MBPO**](07_mbpo.ipynb) | everything together, against SAC alone |
#
# Chapters 01 and 04 need no neural network: their worlds are small enough for tables and for exact computation, up to
# the end of 01, which asks what a table cannot do. Read in order if you can; who wants the theory first may go from 01
# straight to 04.
#
# The next cell shows how far you are: for each chapter a tick for every exercise that your copy has passed. It reads
# what your checks have printed there, so save a chapter after you have run its checks.

# %% [markdown] tags=["lang-zh"] twin="bbdf6410"
# ## 各章一览
#
# | 章 | 内容 |
# |---|---|
# | **00 从这里开始** | 地图、工具、记号 |
# | [**01 Dyna-Q**](01_dyna_q.ipynb) | 从真实与想象的经验中学习；表格做不到什么 |
# | [**02 模型集成**](02_ensemble.ipynb) | 几个网络；从它们的分歧看出哪里是猜的 |
# | [**03 复合误差**](03_compounding_error.ipynb) | 小误差会变大，有多快 |
# | [**04 何时信任**](04_when_to_trust.ipynb) | 定理 4.1 的性能界，它能保证什么、不能保证什么 |
# | [**05 分支推演**](05_branched_rollout.ipynb) | 从去过的地方分支，只走几步；怎样选 $k$ |
# | [**06 SAC**](06_sac.ipynb) | MBPO 内部的无模型学习器 |
# | [**07 MBPO**](07_mbpo.ipynb) | 合在一起，与单独的 SAC 比较 |
#
# 第 01 章和第 04 章用不到神经网络：其中的环境很小，列得成表，也能精确计算；只有第 01 章的末尾例外，那里要问表格做不到什么。最好按顺序读；想先看理论，也可以从第 01 章直接跳到第 04 章。
#
# 下一个单元格显示你的进度：每章一行，你的副本中每通过一道练习，就有一个对勾。它读的是副本里检查单元格的输出，所以运行检查之后，请保存那一章。

# %%
from mbpo_teach.course.passed import show_passed

show_passed()

# %% [markdown] tags=["lang-en"]
# ## How to use it
#
# - **Your copy.** `make lab` opens copies of the chapters in the folder `work`, which belong to you: an update of the
#   course never overwrites them. (`make lab EDITION=zh` opens the Chinese ones.) To begin a chapter afresh, run
#   `.venv/bin/python -m mbpo_teach reset 00` in the course's folder (on Windows `.venv\Scripts\python`); your old copy
#   stays beside the new one, with its date.
# - **Running.** Press Shift+Enter to run a cell, or choose *Run All Cells* in the menu *Run*. A fresh chapter reaches
#   its end even if no exercise is done.
# - **Sliders.** Drag one, or focus it and press the arrow keys, or type into the box beside it. The sentence and the
#   picture are made anew each time, from numbers computed on the spot or, where the text says so, beforehand. If you read without a running kernel, you see one picture instead.
# - **Predictions.** Before each slider and each run the text asks what you expect. Decide first, and write it down if
#   you can: a surprise is worth more than a nod.
# - **Exercises and checks.** Each exercise has an *answer cell*, in which you replace `raise NotImplementedError`, and a
#   *check cell* below it, which says what is right and what is not. The line stored under the check is the target; run
#   the cell to see yours. There is a hint to unfold, and `check(..., hint=True)` in a cell of your own prints one. An
#   answer must not change what it is given: let it work on copies. Whatever the answer needs stands in its cell or in a cell above;
#   then the grader of a class finds what your check finds after *Restart Kernel and Run All Cells*.
# - **Solutions.** Each chapter has an edition with all answers written out:
#   [the one of this chapter](solutions/00_start_here.ipynb). Try first.
# - **Language.** The text of a notebook is in one language; the link at its head leads to the other. The words inside
#   figures follow the notebook, and the switch above each slider changes them.

# %% [markdown] tags=["lang-zh"] twin="1d55455b"
# ## 怎样使用
#
# - **你的副本。** `make lab EDITION=zh` 打开的是 `work` 文件夹里的副本（不写 `EDITION=zh` 就是英文版），它们归你所有，课程更新不会覆盖。想从头做某一章，就在课程文件夹中运行
#   `.venv/bin/python -m mbpo_teach reset 00`（Windows 上是 `.venv\Scripts\python`）：旧的副本会带上日期，留在新副本旁边。
# - **运行。** 按 Shift+Enter 运行一个单元格，或者在 *Run* 菜单里选 *Run All Cells*。练习一道没做，整章也能运行到底。
# - **滑块。** 可以拖动，可以选中后按方向键，也可以在旁边的框里直接填数。下面的句子和图每次都重新生成，所用的数或者当场算出，或者事先算好（正文会说明）。如果没有运行内核，看到的是一张静态图。
# - **预测。** 每个滑块、每次运行之前，正文都会问你预计看到什么。先想好答案，最好写下来：猜错一次，比点头十次更有收获。
# - **练习与检查。** 每道练习有一个*作答单元格*，把其中的 `raise NotImplementedError` 换成你的代码；紧接着是*检查单元格*，它告诉你哪里对、哪里不对。
#   检查下面存着的那一行是目标，运行之后看到的才是你自己的结果。提示可以展开，也可以在自己新建的单元格里用 `check(..., hint=True)` 打印出来。
#   传给答案的参数，用完应当还是原样：请在副本上计算。答案要用到的一切，都写在它自己的单元格或上面的单元格里；这样，*Restart Kernel and Run All Cells* 之后检查显示什么，班级评分就给什么。
# - **答案。** 每一章都有一个写好全部答案的版本：[本章的答案](solutions/00_start_here.ipynb)。请先自己做。
# - **语言。** 一个笔记本的正文只用一种语言，开头的链接通向另一种。图中的文字随笔记本而定，也可以用滑块上方的开关切换。

# %% [markdown] tags=["lang-en"]
# ## Is everything installed?
#
# The next cell runs the checks of `python -m mbpo_teach doctor`: one line for each, with a cure below any that fails.
# If it shows a cross, follow the cure before going on. (The lines stored here are those of the machine that built this
# notebook.)

# %% [markdown] tags=["lang-zh"] twin="8619f10f"
# ## 环境装好了吗？
#
# 下一个单元格运行 `python -m mbpo_teach doctor` 的各项检查：每项一行，没有通过的会在下面写明办法。如果出现叉号，请先照着处理，再往下读。
# （这里存着的几行来自制作本笔记本的机器。）

# %%
from mbpo_teach.course import doctor

for result in doctor.checks():
    print("✓" if result.ok else "✗", result.name, "·", result.message)
    if not result.ok:
        print("  →", result.cure)

# %% [markdown] tags=["lang-en"]
# ## Notation
#
# The course uses the paper's symbols. Skim the table now and come back to it when a symbol turns up; the
# [glossary](../../docs/glossary.md) explains each term at more length.
#
# | symbol | name | meaning |
# |---|---|---|
# | $s_t,\ a_t,\ r(s,a)$ | state, action, reward | rewards satisfy $\lvert r\rvert \le r_{\max}$ |
# | $\gamma$ | discount | how much a reward one step later counts; $0 \le \gamma < 1$ |
# | $p,\ \hat p$ | true dynamics, learned model | both give the law of the next state, given state and action |
# | $\pi,\ \pi_D$ | current policy, data-collecting policy | the one being improved; the one that acted while the data were collected |
# | $D_{TV}(p \,\Vert\, q)$ | total variation | $\tfrac12 \lVert p - q \rVert_1$, between 0 and 1 |
# | $\eta[\pi]$ | true return | $\mathbb E\left[\sum_t \gamma^t r(s_t,a_t)\right]$ when $\pi$ acts under $p$ |
# | $\hat\eta[\pi]$ | model return | the same under $\hat p$ |
# | $\eta_k[\pi]$ | branched return | the return when the last $k$ steps before each moment are imagined, from a state that $\pi_D$ really reached (picture below) |
# | $\epsilon_m$ | model error | $\max_t \mathbb E\left[D_{TV}(p \,\Vert\, \hat p)\right]$ of one step, in states and actions of $\pi_D$ |
# | $\epsilon_m'$ | model error on-policy | the same in states and actions of the current $\pi$ |
# | $\epsilon_\pi$ | policy shift | $\max_s D_{TV}\left(\pi(\cdot\mid s) \,\Vert\, \pi_D(\cdot\mid s)\right)$ |
# | $C$ | performance bound | the largest loss that theorem 4.1 allows: $\eta[\pi] \ge \hat\eta[\pi] - C$ |
# | $k$ | rollout length | how many steps the model is followed after a branch |
#
# **A trap.** $\epsilon_\pi$ is easily taken for the gap between imagined and real trajectories, as if it were another
# name for compounding error. In the paper it is *policy shift*: how far the
# policy has moved from the one that collected the data. The model does not enter it. Compounding error is a consequence
# of $\epsilon_m$ and of $k$: it grows even at $\epsilon_\pi = 0$, as an example in chapter 04 shows.
#
# ### One letter, several meanings
#
# The alphabet is too short for the course, and each field has its habits. What a letter means depends on the chapter.
#
# | letter | meanings, with their chapters |
# |---|---|
# | $\alpha$ | learning rate of Q-learning (01); temperature of SAC, the price of entropy (06, 07) |
# | $\tau$ | real steps since a pair was last tried (01); the share by which the target networks follow the critics in each update (06, 07) |
# | $\epsilon$ | without an index the probability of a random action (01); with one an error or a shift: $\epsilon_m$, $\epsilon_m'$, $\epsilon_\pi$ (04, 05) |
# | $e$ | $e(k)$, the distance between imagined and real state after $k$ steps, and $e$, the error added in each step (03); the error of a prediction (02); the base of logarithms wherever it has an exponent that is not 2 |
# | $n$ | imagined updates for each real step (01); number of transitions in the data (04, 05) |
# | $k$ | steps in the model after a branch (05, 07); the step at which an error is measured (03) |
# | $G$ | the return of a list of rewards (exercise 00-1); SAC's updates for each real step (07) |
# | $\mu,\ \sigma$ | mean and standard deviation that a network predicts: of the next state (02), of the action before tanh (06); $\sigma_i$ the standard deviation of one dimension of the data (03) |
# | bars | $\lvert r \rvert$ size of a number; $\lVert x \rVert$ length of a vector, with index 1 the sum of the sizes of its entries; $\pi(a \mid s)$ "given"; $D_{TV}(p \,\Vert\, q)$ only keeps two distributions apart; $\bar\mu$ a mean over members (02), $\bar Q$ a target network (06) |
# | hats | $\hat p$, $\hat\eta$, $\hat s$: of the model, not of the world |
#
# ### What $\eta_k$ adds up
#
# The branched return is the one symbol that a sentence hardly explains. For each time $t$ it asks for one expected
# reward, and for each the past is made anew: first $\pi_D$ acts in the world, then $\pi$ acts in the model for the
# last $k$ steps. Each row of the picture is one such past, here with $k = 3${{timeline[0] | .0f}}; time runs from left to right.

# %% [markdown] tags=["lang-zh"] twin="1bebd6ef"
# ## 记号
#
# 课程沿用论文的符号。现在浏览一遍即可，遇到时再回来查；[术语表](../../docs/glossary.md)里有更详细的解释。
#
# | 符号 | 名称 | 含义 |
# |---|---|---|
# | $s_t,\ a_t,\ r(s,a)$ | 状态、动作、奖励 | 奖励满足 $\lvert r\rvert \le r_{\max}$ |
# | $\gamma$ | 折扣因子（discount） | 晚一步得到的奖励要打的折扣，$0 \le \gamma < 1$ |
# | $p,\ \hat p$ | 真实环境动态、学到的模型 | 二者都给出已知状态和动作时下一状态的分布 |
# | $\pi,\ \pi_D$ | 当前策略、收集数据的策略 | 前者正在改进，后者在收集数据时使用 |
# | $D_{TV}(p \,\Vert\, q)$ | 全变差距离（total variation） | $\tfrac12 \lVert p - q \rVert_1$，在 0 与 1 之间 |
# | $\eta[\pi]$ | 真实环境中的期望回报（true return） | $\pi$ 在 $p$ 下行动时的 $\mathbb E\left[\sum_t \gamma^t r(s_t,a_t)\right]$ |
# | $\hat\eta[\pi]$ | 模型环境中的期望回报（model return） | 同上，换成 $\hat p$ |
# | $\eta_k[\pi]$ | 分支推演回报（branched return） | 先由 $\pi_D$ 真实行动，每一时刻之前的最后 $k$ 步由 $\pi$ 在模型中走，这样得到的回报（见下图） |
# | $\epsilon_m$ | 模型误差（model error） | 在 $\pi_D$ 的状态和动作上，单步误差 $\max_t \mathbb E\left[D_{TV}(p \,\Vert\, \hat p)\right]$ |
# | $\epsilon_m'$ | 当前策略下的模型误差（model error on-policy） | 同上，换成当前策略 $\pi$ 的状态和动作 |
# | $\epsilon_\pi$ | 策略偏移（policy shift） | $\max_s D_{TV}\left(\pi(\cdot\mid s) \,\Vert\, \pi_D(\cdot\mid s)\right)$ |
# | $C$ | 性能界（performance bound） | 定理 4.1 允许的最大损失：$\eta[\pi] \ge \hat\eta[\pi] - C$ |
# | $k$ | 分支推演长度（rollout length，也叫推演步数） | 分支之后在模型中走几步 |
#
# **一个容易掉进去的坑。** $\epsilon_\pi$ 很容易被当成模型轨迹与真实轨迹之间的差异，好像它就是复合误差的另一个名字。
# 在论文里它是*策略偏移*：当前策略离收集数据的策略有多远，与模型无关。复合误差是 $\epsilon_m$ 和 $k$ 的后果，即使
# $\epsilon_\pi = 0$，它照样会增长；第 04 章有例子。
#
# ### 一个字母，几种意思
#
# 字母不够用，各个领域又有各自的习惯。一个字母是什么意思，要看在哪一章。
#
# | 字母 | 意思（所在的章） |
# |---|---|
# | $\alpha$ | Q-learning 的学习率（01）；SAC 的温度，即熵的权重（06、07） |
# | $\tau$ | 一个状态—动作对距上次尝试的真实步数（01）；每次更新时，目标网络向评论家靠近的比例（06、07） |
# | $\epsilon$ | 不带下标时是随机动作的概率（01）；带下标时是误差或偏移：$\epsilon_m$、$\epsilon_m'$、$\epsilon_\pi$（04、05） |
# | $e$ | $e(k)$ 是走 $k$ 步之后想象状态与真实状态的距离，单独的 $e$ 是每一步新增的误差（03）；一次预测的误差（02）；带指数（平方除外）时是自然对数的底 |
# | $n$ | 每个真实步之后想象中更新的次数（01）；数据中转移的条数（04、05） |
# | $k$ | 分支之后在模型中走的步数（05、07）；在第几步测量误差（03） |
# | $G$ | 一列奖励的回报（练习 00-1）；每个真实步之后 SAC 更新的次数（07） |
# | $\mu$、$\sigma$ | 网络预测的均值和标准差：下一状态的（02），动作在 tanh 之前的（06）；$\sigma_i$ 是数据某个维度的标准差（03） |
# | 竖线与横线 | $\lvert r \rvert$ 是数的绝对值；$\lVert x \rVert$ 是向量的长度，带下标 1 时是各分量绝对值之和；$\pi(a \mid s)$ 读作“给定”；$D_{TV}(p \,\Vert\, q)$ 中只是把两个分布隔开；$\bar\mu$ 是各成员的平均（02），$\bar Q$ 是目标网络（06） |
# | 尖帽 | $\hat p$、$\hat\eta$、$\hat s$：属于模型，不属于真实环境 |
#
# ### $\eta_k$ 把什么加在一起
#
# 只有分支推演回报很难用一句话说清。对每一时刻 $t$，它取一个期望奖励；每个奖励都有自己的一段经过：先由 $\pi_D$ 在真实环境中行动，最后 $k$ 步由 $\pi$ 在模型中行动。
# 图中每一行就是这样一段经过，这里 $k = 3${{timeline[0] | .0f}}；时间从左向右。

# %% named="timeline"
from mbpo_teach.figures.timeline import timeline

timeline(k=3, last=6)

# %% [markdown] tags=["lang-en"]
# Solid black: real steps of $\pi_D$. Dashed blue: imagined steps of $\pi$. The red dot is "now": $\pi$ chooses an
# action, and its expected reward, weighted by $\gamma^t$, goes into the sum. No row continues the one above it. The
# reward at $t = 6${{timeline[1] | .0f}} comes after 3{{timeline[2] | .0f}} real steps and 3{{timeline[3] | .0f}} imagined
# ones; where $t \le 3${{timeline[4] | .0f}} there is no room for a real step. The larger $k$, the more is imagined, and
# $\eta_k$ tends to $\hat\eta[\pi]$. At $k = 0$ nothing is, the last action is left to $\pi_D$ as well, and
# $\eta_0 = \eta[\pi_D]$.

# %% [markdown] tags=["lang-zh"] twin="3283a631"
# 黑色实线是 $\pi_D$ 的真实交互，蓝色虚线是 $\pi$ 的想象。红点是“此刻”：由 $\pi$ 选一个动作，其期望奖励乘上 $\gamma^t$，计入总和。每一行都不是上一行的延续。
# $t = 6${{timeline[1] | .0f}} 的奖励之前有 3{{timeline[2] | .0f}} 步真实、3{{timeline[3] | .0f}} 步想象；$t \le 3${{timeline[4] | .0f}} 时排不下真实的步。
# $k$ 越大，想象的部分越多，$\eta_k$ 趋于 $\hat\eta[\pi]$；$k = 0$ 时没有想象，最后的动作也由 $\pi_D$ 选，于是 $\eta_0 = \eta[\pi_D]$。

# %% [markdown] tags=["lang-en"]
# ## How far ahead does a discount look?
#
# The return is a weighted sum of rewards: the one that comes $t$ steps later has weight $\gamma^t$. All weights together
# make
#
# $$1 + \gamma + \gamma^2 + \dots = \frac{1}{1-\gamma},$$
#
# as much as $1/(1-\gamma)$ rewards of full weight would. This number is the **effective horizon**. It also limits every
# return: since rewards lie between $-r_{\max}$ and $r_{\max}$, returns lie between $-r_{\max}/(1-\gamma)$ and
# $r_{\max}/(1-\gamma)$. Two returns therefore never differ by more than $2\,r_{\max}/(1-\gamma)$. We call this the
# **trivial level**, because one knows it without any learning: a theorem that allows a loss of that size says nothing.

# %% [markdown] tags=["lang-zh"] twin="455af54d"
# ## 折扣因子看得有多远？
#
# 回报是奖励的加权和：$t$ 步之后的奖励权重为 $\gamma^t$。全部权重加起来是
#
# $$1 + \gamma + \gamma^2 + \dots = \frac{1}{1-\gamma},$$
#
# 相当于 $1/(1-\gamma)$ 个不打折扣的奖励。这个数叫作**有效视野**（effective horizon）。它同时限制了一切回报：奖励的大小不超过 $r_{\max}$，回报就介于
# $-r_{\max}/(1-\gamma)$ 与 $r_{\max}/(1-\gamma)$ 之间，任意两个回报之差也就不超过
# $2\,r_{\max}/(1-\gamma)$。我们称之为**平凡界**（trivial level），因为不用学习就知道它：一个定理如果允许损失这么多，就等于什么也没说。

# %% [markdown] tags=["lang-en"]
# The first slider of this chapter showed these weights, and what stands under it can be checked by hand. The next cell
# adds up the weights, and compares with the formula.

# %% [markdown] tags=["lang-zh"] twin="a35e6ae6"
# 本章开头的滑块画的就是这些权重，它下面的句子可以自己验证。下一个单元格把权重逐个相加，再与公式比较。

# %% tags=["nbval-check-output"]
for gamma in (0.5, 0.9, 0.99):
    added = sum(gamma**t for t in range(10_000))
    print(f"{gamma:.2f}  {added:.4f}  {1 / (1 - gamma):.4f}")

# %% [markdown] tags=["lang-en"]
# Each line shows $\gamma$, the sum of ten thousand weights, and $1/(1-\gamma)$: the last two agree.
#
# ## Exercise 00-1: discounted return
#
# Write the function that turns a list of rewards into a return,
#
# $$G = r_0 + \gamma r_1 + \gamma^2 r_2 + \dots$$
#
# An empty list has return 0. For rewards 1, 1, 1 and $\gamma = 0.5$ the result is 1.75.
#
# <details><summary>Hint</summary>
#
# $G = r_0 + \gamma\,(r_1 + \gamma\,(r_2 + \dots))$. Start at the innermost bracket, that is at the end of the list, and
# work outwards.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="c1225d44"
# 每行依次是 $\gamma$、一万个权重之和、$1/(1-\gamma)$：后两个数一致。
#
# ## 练习 00-1：折扣回报
#
# 写一个函数，把一列奖励变成回报：
#
# $$G = r_0 + \gamma r_1 + \gamma^2 r_2 + \dots$$
#
# 空列表的回报是 0。奖励为 1、1、1，$\gamma = 0.5$ 时，结果应为 1.75。
#
# <details><summary>提示</summary>
#
# $G = r_0 + \gamma\,(r_1 + \gamma\,(r_2 + \dots))$。从最里层的括号，也就是列表的末尾算起，一层一层往外。
#
# </details>

# %% mbpo={"exercise": "00-1", "role": "setup"}
from collections.abc import Sequence

from mbpo_teach.grading.check import check


# %% mbpo={"exercise": "00-1", "role": "answer"}
def discounted_return(rewards: Sequence[float], gamma: float) -> float:
    """Return r_0 + gamma r_1 + gamma² r_2 + ..., and 0.0 for no rewards."""
    ### BEGIN SOLUTION
    total = 0.0
    for reward in reversed(rewards):
        total = reward + gamma * total
    return total
    ### END SOLUTION


# %% [markdown] tags=["lang-en"]
# The line stored below is the target: all cases right. Run the cell to see yours. If a case fails, the check names its
# input, what came back and what was expected.

# %% [markdown] tags=["lang-zh"] twin="b5777066"
# 下面存着的一行是目标：全部通过。运行单元格，看到的才是你的结果。如果有一组没有通过，检查会写出输入、你的结果和应当得到的值。

# %% mbpo={"exercise": "00-1", "role": "check"}
check("00-1", discounted_return)

# %% [markdown] tags=["lang-en"]
# ## Quiz
#
# **1. A reward of 1 comes at every step, forever, and $\gamma = 0.95$. What is the return?**
#
# <details><summary>Answer</summary>
#
# $1/(1-0.95) = 20$, the effective horizon itself. With $r_{\max} = 1$ this is also the largest possible return: nobody
# can do better than the largest reward at every step.
#
# </details>
#
# **2. A model was fitted to data that $\pi_D$ collected. The policy is then changed; the model is not. Which of
# $\epsilon_m$, $\epsilon_m'$ and $\epsilon_\pi$ can change?**
#
# <details><summary>Answer</summary>
#
# $\epsilon_\pi$ and $\epsilon_m'$. The policy shift is the distance of the policy from $\pi_D$, and the error $\epsilon_m'$ is
# taken in states and actions of the current policy, which are others now: both can change. $\epsilon_m$ is measured under $\pi_D$, and neither the model nor $\pi_D$
# changed.
#
# </details>
#
# **3. Why does MBPO start its imagined steps from states that were really visited?**
#
# <details><summary>Answer</summary>
#
# Because a model's errors compound from step to step. A rollout from the first state of an episode has to pass through
# many imagined states before it gets anywhere new; a short branch starts where the data are, and reaches late parts of
# an episode without the errors of the way there.
#
# </details>

# %% [markdown] tags=["lang-zh"] twin="15453bc9"
# ## 小测
#
# **1. 每一步都得到奖励 1，永不停止，$\gamma = 0.95$。回报是多少？**
#
# <details><summary>答案</summary>
#
# $1/(1-0.95) = 20$，正好是有效视野。$r_{\max} = 1$ 时它也就是回报的上限：每一步都拿到最大的奖励，不可能更好了。
#
# </details>
#
# **2. 用 $\pi_D$ 收集的数据拟合了一个模型。随后策略改变，模型不变。$\epsilon_m$、$\epsilon_m'$、$\epsilon_\pi$ 中哪些可能改变？**
#
# <details><summary>答案</summary>
#
# $\epsilon_\pi$ 和 $\epsilon_m'$。策略偏移是当前策略离 $\pi_D$ 的距离，可能改变；当前策略遇到的状态和动作与原来不同，在它们上面的模型误差 $\epsilon_m'$ 也可能改变。$\epsilon_m$ 是在 $\pi_D$
# 下度量的，模型和 $\pi_D$ 都没有变，所以它不变。
#
# </details>
#
# **3. MBPO 为什么从真实访问过的状态开始推演？**
#
# <details><summary>答案</summary>
#
# 因为模型的误差会一步步累积。从回合的初始状态开始，要穿过许多想象出来的状态才能到达新的地方；短的分支从有数据的地方出发，不带着一路累积的误差，也能到达回合的后半段。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Take-aways
#
# - A learned model makes experience cheap, but part of it is wrong; the course asks how far it may be believed.
# - MBPO is the loop of Dyna-Q with an ensemble of networks as its model, SAC as its learner, and short rollouts that
#   branch from real states.
# - $1/(1-\gamma)$ is the effective horizon, and $2\,r_{\max}/(1-\gamma)$ the trivial level. A bound matters only if it
#   stays below that.
# - $\epsilon_m$ is about the model, $\epsilon_\pi$ about the policy. Compounding error is neither of them.
#
# ## References
#
# 1. M. Janner, J. Fu, M. Zhang, S. Levine. *When to Trust Your Model: Model-Based Policy Optimization.* NeurIPS 2019,
#    [arXiv 1906.08253](https://arxiv.org/abs/1906.08253). Theorem 4.1 for $C$, section 6 for the experiments.
# 2. K. Chua, R. Calandra, R. McAllister, S. Levine. *Deep Reinforcement Learning in a Handful of Trials using
#    Probabilistic Dynamics Models.* NeurIPS 2018, [arXiv 1805.12114](https://arxiv.org/abs/1805.12114). PETS.
# 3. T. Haarnoja, A. Zhou, P. Abbeel, S. Levine. *Soft Actor-Critic.* ICML 2018,
#    [arXiv 1801.01290](https://arxiv.org/abs/1801.01290).
# 4. T. Yu and others. *MOPO: Model-based Offline Policy Optimization.* NeurIPS 2020,
#    [arXiv 2005.13239](https://arxiv.org/abs/2005.13239).
# 5. L. Pineda and others. *MBRL-Lib: A Modular Library for Model-based Reinforcement Learning.* 2021,
#    [arXiv 2104.10159](https://arxiv.org/abs/2104.10159).
# 6. R. Sutton, A. Barto. *Reinforcement Learning: An Introduction*, second edition, MIT Press 2018. Section 3.3 for
#    returns and discounting, chapter 8 for Dyna.
#
# **Next:** [01 Dyna-Q](01_dyna_q.ipynb), where imagined steps teach the way through a maze sooner.

# %% [markdown] tags=["lang-zh"] twin="67e26e83"
# ## 要点
#
# - 学到的模型让经验容易得到，但其中有错；这门课要问的是，这样的经验可以信到什么程度。
# - MBPO 就是 Dyna-Q 的循环：模型换成网络的集成，学习器换成 SAC，推演从真实状态分支，而且很短。
# - $1/(1-\gamma)$ 是有效视野，$2\,r_{\max}/(1-\gamma)$ 是平凡界。一个界只有低于平凡界，才有用处。
# - $\epsilon_m$ 说的是模型，$\epsilon_\pi$ 说的是策略。复合误差不是其中任何一个。
#
# ## 参考文献
#
# 1. M. Janner, J. Fu, M. Zhang, S. Levine. *When to Trust Your Model: Model-Based Policy Optimization.* NeurIPS 2019,
#    [arXiv 1906.08253](https://arxiv.org/abs/1906.08253)。$C$ 见定理 4.1，实验见第 6 节。
# 2. K. Chua, R. Calandra, R. McAllister, S. Levine. *Deep Reinforcement Learning in a Handful of Trials using
#    Probabilistic Dynamics Models.* NeurIPS 2018, [arXiv 1805.12114](https://arxiv.org/abs/1805.12114)。即 PETS。
# 3. T. Haarnoja, A. Zhou, P. Abbeel, S. Levine. *Soft Actor-Critic.* ICML 2018,
#    [arXiv 1801.01290](https://arxiv.org/abs/1801.01290)。
# 4. T. Yu 等. *MOPO: Model-based Offline Policy Optimization.* NeurIPS 2020,
#    [arXiv 2005.13239](https://arxiv.org/abs/2005.13239)。
# 5. L. Pineda 等. *MBRL-Lib: A Modular Library for Model-based Reinforcement Learning.* 2021,
#    [arXiv 2104.10159](https://arxiv.org/abs/2104.10159)。
# 6. R. Sutton, A. Barto. *Reinforcement Learning: An Introduction*, 第二版, MIT Press 2018。回报与折扣见 3.3 节，Dyna 见第 8 章。
#
# **下一章：**[01 Dyna-Q](01_dyna_q.ipynb)，在那里，想象的转移让智能体更快学会走出迷宫。
