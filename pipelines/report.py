"""Report: everything that a root holds -> report/report.html and report/report.json.

python -m pipelines.report --recipe demo --root runs/demo
"""

from pipelines import options
from pipelines.recipes import Recipe
from ray_app.report import answers, page


def main(recipe: Recipe, root: str) -> None:
    """One self-contained page about a run, finished or not."""
    print(f"report: {report(root)}", flush=True)


def report(root: str) -> str:
    """Write the page, its figures, and the answers side by side; the page's path."""
    answers.write(root)
    return page.write(root)


if __name__ == "__main__":
    options.main(main, writes=False)
