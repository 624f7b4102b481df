import pytest

from ray_app.verification.known import value_of


@pytest.mark.parametrize(
    "piece", ["str('%999999999d') % 5", "('%9999' + '99999d') % 5", "max('%999999999d', 'a') % 5", "x % 5", "'ab' * 10"]
)
def test_value_of_formatting_and_repeating_is_left_to_the_sandbox(piece):
    assert value_of(piece, {"x": "'%999999999d'"}) is None


@pytest.mark.parametrize(
    ("piece", "value"), [("len('abc') % 2", "1"), ("(7 - 2) % 3", "2"), ("n % 4", "3"), ("3 * 4", "12")]
)
def test_value_of_small_arithmetic_is_worked_out(piece, value):
    assert value_of(piece, {"n": "7"}) == value
