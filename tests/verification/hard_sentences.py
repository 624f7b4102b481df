# ruff: noqa: E501
"""Sentences as language models write them, true and false ones, each with the program whose run it is about.

Written for these tests after the kinds of sentences that verifiers of ours have misread; no sentence is a model's.
"""

PROGRAMS = {
    "evens": (
        "def f(nums):\n    out = []\n    for n in nums:\n        if n % 2 != 0:\n            continue\n        out.append(n)\n"
        "    return out",
        "f([1, 2, 3, 4])",
    ),
    "negated": (
        "def f(text, prefix):\n    if not text.startswith(prefix):\n        return text\n    else:\n"
        "        return text[len(prefix):]",
        "f('abcd', 'ab')",
    ),
    "find": (
        "def f(text, search):\n    result = text.lower()\n    return result.find(search.lower())",
        "f('car hat', 'CAR')",
    ),
    "literal": (
        "def f(key):\n    table = {\n        'a': 1,\n        'b': 2,\n    }\n    if key in table:\n        return table[key]\n"
        "    else:\n        return None",
        "f('b')",
    ),
    "empty": (
        "def f(d):\n    r = {}\n    for k, v in d.items():\n        if v > 5:\n            r[k] = v\n    return r",
        "f({'x': 1})",
    ),
    "nested": (
        "def f(rows):\n    total = 0\n    for row in rows:\n        for x in row:\n            total += x\n    return total",
        "f([[1, 2], [3]])",
    ),
    "mode": ("def f(mode, x):\n    if mode:\n        x = x * 2\n    return x", "f(1, 5)"),
    "chars": ("def f(s):\n    out = ''\n    for c in reversed(s):\n        out += c\n    return out", "f('abc')"),
    "while": ("def f(n):\n    k = 0\n    while n > 0:\n        n -= 3\n        k += 1\n    return k", "f(7)"),
    "words": (
        "def f(text):\n    words = text.split()\n    lens = list(map(len, words))\n    return max(lens)",
        "f('a bcd ef')",
    ),
    "twenty": ("def f(n):\n    s = 0\n    for i in range(n):\n        s += 2\n    return s", "f(20)"),
    "same": ("def f(xs):\n    last = 0\n    for x in xs:\n        last = x\n    return last", "f([5, 5, 7])"),
    "swap": ("def f(a, b):\n    a.append(9)\n    a.reverse()\n    c = len(a) + b\n    return c", "f([1, 2], 3)"),
    "compare": (
        "def f(x, k):\n    if x <= k:\n        y = x + k\n    else:\n        y = x - k\n    return y",
        "f(-1, 2)",
    ),
    "clamp": ("def f(t):\n    t = max(t, 3)\n    t = min(t, 10)\n    return t * 0", "f(5)"),
}
"""By name: a program and its call."""

TRUE = (
    # what is tested is the negation
    ("evens", "- [L4]: For `n = 2`, the number is even, so the condition `n % 2 != 0` is not met."),
    ("negated", "The text starts with the prefix, so the condition is not met and the else branch is executed."),
    ("negated", "1. [L2]: Since `text` starts with 'ab', the condition is False."),
    # a label of the line after the test
    ("mode", "- [L3]: Since the condition is True, we enter the block, and x becomes 10."),
    ("compare", "[L3]: since `x <= k` is True, `y` is set to `-1 + 2`, which is 1."),
    # labels of lines that never produce an event
    ("negated", "- [L4]: The else branch is executed.\n- [L5]: The function returns 'cd'."),
    ("negated", "- [L3]: This line is not executed."),
    ("literal", "- [L5]: The table is complete.\n- [L6]: 'b' is in the table, so the condition is True."),
    ("literal", "- [L8-9]: The else block is not executed."),
    ("compare", "- [L5]: The `else` block is skipped."),
    # an iteration named before its loop, or nested
    ("nested", "1. First iteration: row is [1, 2].\n   - Inner loop: first iteration: x is 1, total becomes 1.\n"
     "   - second iteration: x is 2, total becomes 3.\n2. Second iteration: row is [3].\n   - x is 3, total becomes 6."),
    ("while", "Iteration 1:\n- n is 7, which is greater than 0, so we enter the loop.\n- n becomes 4 and k becomes 1.\n"
     "Iteration 2:\n- n becomes 1 and k becomes 2.\nIteration 3:\n- n becomes -2 and k becomes 3.\nThe loop ends."),
    # expressions in words
    ("evens", "The list of even numbers becomes [2, 4]."),
    ("evens", "After the loop, the list of even ones is [2, 4]."),
    ("find", "The search string in lower case becomes 'car'."),
    # the value of a part, named by the variable
    ("find", "The search argument is also converted to lowercase, so search becomes 'car'."),
    ("find", "`search` becomes 'car'."),
    # a value put in for a name
    ("empty", "The function returns {}."),
    ("empty", "[L6]: Return `{}`."),
    # states in a code block
    ("nested", "After the first row:\n```\nrow = [1, 2]\ntotal = 3\n```\nAfter the second:\n```\nrow = [3]\ntotal = 6\n```"),
    # ordinals and indices
    ("evens", "Iteration 0: n = 1, out = [].\nIteration 1: n = 2, out = [2].\nIteration 2: n = 3.\nIteration 3: n = 4, out = [2, 4]."),
    ("evens", "The element at index 1 is 2, which is even, so out becomes [2]."),
    # the same state again
    ("same", "- x is 5, so last is 5.\n- x is 5 again, so last is still 5.\n- x is 7, so last becomes 7."),
    # an iterator written as a list
    ("words", "The map function gives [1, 3, 2], and so lens is [1, 3, 2]."),
    ("words", "`map(len, words)` returns [1, 3, 2]."),
    ("chars", "`reversed(s)` yields ['c', 'b', 'a']."),
    # what counts as true
    ("mode", "`mode` is True, so x is doubled to 10."),
    ("mode", "Since mode is truthy, the condition is satisfied."),
    # counts
    ("twenty", "In the first iteration s becomes 2. This goes on for all 20 iterations, so s ends as 40."),
    ("twenty", "The loop runs 20 times, adding 2 each time, until s is 40."),
    # of what a program does in general, nothing is held against the run
    ("negated", "If the text does not start with the prefix, it is returned unchanged."),
    ("while", "The loop runs as long as n is greater than 0."),
    ("compare", "If x were 5, the function would return 3."),
    ("evens", "It returns an empty list if no number is even."),
    # Markdown
    ("evens", "### Execution\n1. **Initialization**:\n   - `out` is an empty list: `[]`\n2. **Iteration 1**:\n   - **n** = 1\n"
     "   - `n % 2 != 0` evaluates to `True`\n   - `continue` is executed\n3. **Iteration 2**:\n   - **n** = 2\n"
     "   - `n % 2 != 0` evaluates to `False`\n   - `out` becomes `[2]`"),
    ("evens", "| n | out |\n|---|---|\n| 1 | [] |\n| 2 | [2] |"),
    ("evens", "* **Line 2**: `out = []` -> an empty list is created.\n* **Line 7**: `return out` -> returns `[2, 4]`."),
)  # fmt: skip
"""True sentences: none of them may be called false."""

FALSE = (
    # a wrong value in between that gives the right result all the same
    ("clamp", "t becomes 5 after the first line. Then min(t, 10) gives 6, so t is 6. The function returns 0."),
    ("clamp", "1. `t = max(t, 3)` sets `t` to 7.\n2. `t = min(t, 10)` leaves it there.\n3. The function returns 0."),
    ("swap", "a becomes [1, 2, 9]. Then it is reversed, so a becomes [9, 1, 2]. c is 6."),
    # two steps in the wrong order
    ("swap", "1. [L3]: a is reversed, so a becomes [2, 1].\n2. [L2]: 9 is appended, so a becomes [2, 1, 9].\n3. c is 6."),
    # an iteration too many
    ("while", "Iteration 1: n becomes 4.\nIteration 2: n becomes 1.\nIteration 3: n becomes -2.\nIteration 4: n becomes -5."),
    ("while", "The loop runs 4 times."),
    ("evens", "In the fifth iteration, n is 5."),
    # the right branch, a wrong operand
    ("compare", "Since x (1) is less than or equal to k (2), y becomes 1."),
    ("compare", "`-1 <= 3` is True, so y = x + k = 1."),
    ("compare", "y = x + k = -1 + 3 = 1."),
    # a false comparison
    ("compare", "-1 <= 2 is False, but y becomes 1."),
    ("compare", "The condition `x <= k` is False, so the else branch is taken."),
    # a step of a branch that was not taken
    ("compare", "- [L5]: y is set to x - k, which is -3."),
    ("negated", "- [L3]: The function returns 'abcd'."),
    ("literal", "- [L9]: The function returns None."),
    ("evens", "For n = 1, the number is odd, so 1 is appended to out."),
    # values of the wrong iteration
    ("nested", "In the second iteration of the outer loop, row is [1, 2]."),
    ("evens", "Iteration 2: n = 2, out = [2, 4]."),
    # a wrong part of a value
    ("words", "The words are split into ['a', 'bcd', 'eff']."),
    ("words", "The length of 'bcd' is 4."),
    ("chars", "In the first iteration, c is 'a'."),
)  # fmt: skip
"""False sentences: each has at least one claim that must be called false."""
