"""LightGBM, XGBoost and CatBoost on the same leads, with the settings of careful hands.

Their packages are pinned in requirements/bench.txt and never part of the product.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from functions.score_leads.data.values import Floats, clean, number
from tests.bench._sets import Split, Table

# apart from the rest: one of them brings pandas, which the product's clients would then import
sys.path.append(str(Path(__file__).parents[2] / ".venv" / "peers"))

PACKAGES = ("lightgbm", "xgboost", "catboost")


def missing() -> list[str]:
    """The packages that are not installed."""
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]


class Frame:
    """A table as peers take it: numbers as they are, categories as codes of the older rows."""

    def __init__(self, table: Table, split: Split) -> None:
        self.names = list(table.columns)
        parts, self.categories = [], []
        for place, name in enumerate(self.names):
            values = table.columns[name]
            numbers = np.array([number(clean(value)) for value in values])
            given = np.array([clean(value) is not None for value in values])
            if np.isnan(numbers[given]).any():
                self.categories.append(place)
                known = sorted({str(values[row]) for row in split.older.tolist()})
                codes = {level: code for code, level in enumerate(known)}
                numbers = np.array([codes.get(str(value), len(codes)) for value in values])
            parts.append(numbers.astype(float))
        rows = np.column_stack(parts)
        self.older, self.newer = rows[split.older], rows[split.newer]

    def objects(self, rows: Floats) -> NDArray[np.object_]:
        """The rows with whole numbers for codes, as CatBoost wants categories."""
        cells = rows.astype(object)
        for place in self.categories:
            cells[:, place] = rows[:, place].astype(int)
        return cells


LIGHTGBM: dict[str, Any] = {
    "learning_rate": 0.05,
    "n_estimators": 200,
    "num_leaves": 15,
    "min_child_samples": 30,
    "reg_lambda": 5,
    "cat_smooth": 10,
    "colsample_bytree": 0.5,
    "subsample": 0.8,
    "subsample_freq": 1,
    "random_state": 0,
    "n_jobs": 1,
    "verbose": -1,
}
XGBOOST: dict[str, Any] = {
    "eta": 0.05,
    "max_leaves": 15,
    "max_depth": 0,
    "grow_policy": "lossguide",
    "min_child_weight": 30,
    "lambda": 5,
    "colsample_bytree": 0.5,
    "subsample": 0.8,
    "seed": 0,
    "nthread": 1,
    "verbosity": 0,
}
CATBOOST: dict[str, Any] = {
    "iterations": 300,
    "learning_rate": 0.05,
    "depth": 6,
    "random_seed": 0,
    "thread_count": 1,
    "verbose": False,
    "allow_writing_files": False,
}

Predict = Callable[[Frame, Floats], Floats]


def lightgbm(frame: Frame, target: Floats, objective: str = "binary") -> Floats:
    """Predictions for the newer rows, on the scale of the target."""
    package: Any = importlib.import_module("lightgbm")
    data = package.Dataset(frame.older, target, categorical_feature=frame.categories)
    given = {name: value for name, value in LIGHTGBM.items() if name != "n_estimators"}
    shown = {**given, "objective": objective}
    fitted = package.train(shown, data, num_boost_round=LIGHTGBM["n_estimators"])
    return np.asarray(fitted.predict(frame.newer), dtype=float)


def xgboost(frame: Frame, target: Floats, objective: str = "binary:logistic") -> Floats:
    """As `lightgbm`."""
    package: Any = importlib.import_module("xgboost")
    kinds = ["c" if place in frame.categories else "q" for place in range(len(frame.names))]

    def matrix(rows: Floats, label: Floats | None = None) -> Any:
        return package.DMatrix(rows, label, feature_types=kinds, enable_categorical=True)

    shown = {**XGBOOST, "objective": objective}
    fitted = package.train(shown, matrix(frame.older, target), num_boost_round=200)
    return np.asarray(fitted.predict(matrix(frame.newer)), dtype=float)


def catboost(frame: Frame, target: Floats, objective: str = "Logloss") -> Floats:
    """As `lightgbm`."""
    package: Any = importlib.import_module("catboost")
    older = package.Pool(frame.objects(frame.older), target, cat_features=frame.categories)
    newer = package.Pool(frame.objects(frame.newer), cat_features=frame.categories)
    kind = package.CatBoostClassifier if objective == "Logloss" else package.CatBoostRegressor
    fitted = kind(**CATBOOST, loss_function=objective).fit(older)
    if objective == "Logloss":
        return np.asarray(fitted.predict_proba(newer)[:, 1], dtype=float)
    scale = "Exponent" if objective.startswith("Tweedie") else "RawFormulaVal"
    return np.asarray(fitted.predict(newer, prediction_type=scale), dtype=float)


CLASSIFIERS: dict[str, Predict] = {
    "LightGBM": lightgbm,
    "XGBoost": xgboost,
    "CatBoost": catboost,
}
"""Probability of a win."""


def _hurdle(classify: Predict, regress: Predict) -> Predict:
    def predict(frame: Frame, value: Floats) -> Floats:
        chance = classify(frame, (value > 0).astype(float))
        winners = Frame.__new__(Frame)
        winners.names, winners.categories = frame.names, frame.categories
        winners.older, winners.newer = frame.older[value > 0], frame.newer
        product: Floats = chance * regress(winners, value[value > 0])
        return product

    return predict


REGRESSORS: dict[str, Predict] = {
    "LightGBM P x gamma": _hurdle(lightgbm, lambda f, v: lightgbm(f, v, "gamma")),
    "LightGBM tweedie": lambda frame, value: lightgbm(frame, value, "tweedie"),
    "XGBoost tweedie": lambda frame, value: xgboost(frame, value, "reg:tweedie"),
    "CatBoost P x L2": _hurdle(catboost, lambda f, v: catboost(f, v, "RMSE")),
    "CatBoost tweedie": lambda f, v: catboost(f, v, "Tweedie:variance_power=1.5"),
}
"""Expected money, 0 for leads that are not won."""
