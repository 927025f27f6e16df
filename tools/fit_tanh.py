#!/usr/bin/env python3
"""Fit the rational tanh of the C engine's float build, and say how far it is from tanh in float32.

tanh(x) is taken as x P(x^2) / Q(x^2) on [-9, 9]. The relative error is made small everywhere by weighted least squares
on the linearised problem (Sanathanan & Koerner, 1963), the weights growing where the error is large (Lawson, 1961).
"""

import argparse

import numpy as np

END = 9.0
DEGREE = 4
POINTS = 4000
ROUNDS = 400


def fit() -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients of P and Q, lowest power first; Q begins with 1."""
    x = np.sort(END * np.cos(np.linspace(0, np.pi / 2, POINTS)))[1:]
    square, target = (x / END) ** 2, np.tanh(x) / x
    powers = square[:, np.newaxis] ** np.arange(DEGREE + 1)
    weight, denominator = np.ones_like(x), np.ones_like(x)
    best = (np.inf, np.zeros(2 * DEGREE + 1))
    for _ in range(ROUNDS):
        scale = np.sqrt(weight) / (target * np.abs(denominator))
        system = np.concatenate([powers, -target[:, np.newaxis] * powers[:, 1:]], axis=1)
        solution, *_ = np.linalg.lstsq(system * scale[:, np.newaxis], target * scale, rcond=None)
        denominator = powers[:, 1:] @ solution[DEGREE + 1 :] + 1
        error = np.abs(powers @ solution[: DEGREE + 1] / denominator / target - 1)
        if error.max() < best[0]:
            best = (float(error.max()), solution)
        weight = weight * (error + 1e-3 * error.max())
        weight /= weight.sum()
    unscale = END ** (2 * np.arange(DEGREE + 1))
    return best[1][: DEGREE + 1] / unscale, np.concatenate([[1.0], best[1][DEGREE + 1 :]]) / unscale


def float32_error(numerator: np.ndarray, denominator: np.ndarray) -> float:
    """Return the largest difference from tanh, everything computed in float32."""
    x = np.linspace(-12, 12, 2_000_001).astype(np.float32)
    limited = np.clip(x, -np.float32(END), np.float32(END))
    values = [np.polyval(c[::-1].astype(np.float32), limited * limited) for c in (numerator, denominator)]
    return float(np.abs(limited * values[0] / values[1] - np.tanh(x.astype(np.float64))).max())


def main() -> None:
    """Print the coefficients and their error."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    numerator, denominator = fit()
    print("P:", ", ".join(f"{value:.9g}" for value in numerator))
    print("Q:", ", ".join(f"{value:.9g}" for value in denominator))
    print(f"largest error in float32: {float32_error(numerator, denominator):.2e}")


if __name__ == "__main__":
    main()
