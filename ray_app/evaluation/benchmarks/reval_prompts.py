"""REval's four questions in our own words, with its forms of answers: YES or NO, value; type, the line, the code."""


def covered(line: int, shown: str) -> str:
    """Is the line executed?"""
    return f"Is line {line} (`{shown}`) executed? The first line of the code is line 1. Answer YES or NO."


def state(line: int, shown: str, variable: str) -> str:
    """What does the variable hold after the line?"""
    return (
        f"What do `{variable}` and its type come to right after line {line} (`{shown}`) has been executed? The first"
        " line of the code is line 1. Answer as VALUE; TYPE, such as [1, 2]; list. If the line runs several times, the"
        " values of any one time are right. If it does not run, or the variable has no value then, answer Nil."
    )


def following(line: int, shown: str) -> str:
    """Which line comes next?"""
    return (
        f"Which line is executed right after line {line} (`{shown}`)? The first line of the code is line 1. Answer with"
        " that line's code, without its indentation. If several are possible, any one is right. If no line follows, or"
        f" line {line} is not executed, answer -1."
    )


def completion(unfinished: str) -> str:
    """What does the run give?"""
    return (
        "Write the following code again, with the right value in the place of each ??, a literal where that is"
        f" possible, and no other change:\n\n{unfinished}"
    )
