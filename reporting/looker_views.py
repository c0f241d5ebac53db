"""A mart's contract as a LookML view: a field for each column, rates from their two parts, amounts exact.

Sums stay what they are in the warehouse, integers in base or minor units; beside each amount stands one in whole units,
as a decimal number without rounding. Both force the mint or currency into the query, for amounts of two don't add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reporting.contracts import Column, Contract

Field = dict[str, Any]
NUMERATOR, DENOMINATOR = "_numerator", "_denominator"
MONEY_KEYS = ("mint", "currency", "token", "unit")
"""Columns that say what an amount is of."""
_ACRONYMS = {"Api": "API", "Rpc": "RPC", "5min": "5 min", "kyc": "KYC"}
_DAYS = ["raw", "date", "week", "month", "quarter", "year"]
_TIMES = ["raw", "time", "minute5", "hour", "date", "week", "month"]


def view(contract: Contract) -> dict[str, Any]:
    """The view as lkml's dictionary. Raises ValueError when two columns would give one field."""
    dimensions, groups, measures = _key(contract), [], []
    for column in contract.columns:
        if column.data_type in ("date", "timestamp"):
            groups.append(_time(column, contract))
        elif _is_figure(column, contract):
            measures += _figure(column, contract)
            if not (column.additive or _is_part(column)):
                dimensions.append(_dimension(column, "number"))
        else:
            dimensions.append(_dimension(column, _types(column)))
    measures += [field for base in rates(contract) for field in _rate(base, contract)]
    made = {"name": contract.name, "label": words(contract.name), "sql_table_name": f"marts.{contract.name}"}
    parts = {"dimensions": dimensions, "dimension_groups": groups, "measures": [*measures, _rows()]}
    made |= {name: fields for name, fields in parts.items() if fields}
    twice = sorted(name for name in set(field_names(made)) if field_names(made).count(name) > 1)
    if twice:
        raise ValueError(f"{contract.name}: two columns give the field {', '.join(twice)}")
    return made


def field_names(made: dict[str, Any]) -> list[str]:
    """Every field that a query can name: of a time, one a timeframe."""
    names = [field["name"] for kind in ("dimensions", "measures") for field in made.get(kind, [])]
    return names + [
        f"{group['name']}_{frame}" for group in made.get("dimension_groups", []) for frame in group["timeframes"]
    ]


def columns_behind(made: dict[str, Any], field: str) -> frozenset[str]:
    """Columns of the mart that a field of its view reads. Raises KeyError for a field that isn't there."""
    held = {
        item["name"]: item["sql"] for kind in ("dimensions", "measures") for item in made.get(kind, []) if "sql" in item
    }
    held |= {
        f"{group['name']}_{frame}": group["sql"]
        for group in made.get("dimension_groups", [])
        for frame in group["timeframes"]
    }
    held["rows"] = ""
    sql = held[field]
    columns = set(_between(sql, "${TABLE}.", " ,)"))
    for other in _between(sql, "${", "}"):
        if other != "TABLE":
            columns |= columns_behind(made, other)
    return frozenset(columns)


def required(made: Mapping[str, Any], field: str) -> list[str]:
    """Fields that a query must hold beside this one."""
    return next((item.get("required_fields", []) for item in made["measures"] if item["name"] == field), [])


def day_field(contract: Contract) -> str | None:
    """The field by which a query must be cut."""
    return f"{_group_name(contract.partition, contract)}_date" if contract.partition else None


def rates(contract: Contract) -> list[str]:
    """Names whose numerator and denominator are both columns."""
    names = contract.names
    return [
        column.name.removesuffix(NUMERATOR)
        for column in contract.columns
        if column.name.endswith(NUMERATOR) and column.name.removesuffix(NUMERATOR) + DENOMINATOR in names
    ]


def words(name: str) -> str:
    """A name as a label."""
    return " ".join(_ACRONYMS.get(word, word) for word in name.replace("_", " ").capitalize().split())


def _is_figure(column: Column, contract: Contract) -> bool:
    return column.data_type in ("int64", "numeric", "bignumeric") and column.name not in (*contract.key, "decimals")


def _types(column: Column) -> str:
    return {"string": "string", "bool": "yesno", "boolean": "yesno"}.get(column.data_type, "number")


def _dimension(column: Column, kind: str) -> Field:
    return {"name": column.name, "type": kind, "description": column.description, "sql": f"${{TABLE}}.{column.name}"}


def _time(column: Column, contract: Contract) -> Field:
    return {
        "name": _group_name(column.name, contract),
        "type": "time",
        "description": column.description,
        "timeframes": _DAYS if column.data_type == "date" else _TIMES,
        "convert_tz": "no",
        "datatype": column.data_type,
        "sql": f"${{TABLE}}.{column.name}",
    }


def _group_name(column: str, contract: Contract) -> str:
    """Looker puts the timeframe behind the name: activity_date is the day of `activity`.

    Where two columns have one stem (block_date, block_time), it is the DATE's; any other keeps its whole name.
    """
    stems = {c.name: _stem(c.name) for c in contract.columns if c.data_type in ("date", "timestamp")}
    sharing = [c for c in contract.columns if stems.get(c.name) == stems[column]]
    heir = next((c.name for c in sharing if c.data_type == "date"), sharing[0].name)
    return stems[column] if column == heir else column


def _stem(column: str) -> str:
    suffix = next((suffix for suffix in ("_date", "_time", "_at") if column.endswith(suffix)), "")
    return column.removesuffix(suffix)


def _figure(column: Column, contract: Contract) -> list[Field]:
    """The column's measure, and for an amount the same in whole units."""
    is_sum = column.additive or _is_part(column)
    name, sql = column.name if is_sum else f"max_{column.name}", f"${{TABLE}}.{column.name}"
    figure: Field = {"name": name, "type": "sum" if is_sum else "max", "description": column.description, "sql": sql}
    if _is_part(column):
        figure["hidden"] = "yes"
    of = _money_key(column, contract)
    if not of or column.name.endswith(DENOMINATOR):
        return [figure]
    figure["required_fields"] = [of]
    scale = "cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric)"
    whole = {
        "name": f"{name}_in_units",
        "description": f"{column.description} In whole units of the {of}.",
        "sql": f"{sql} * {scale}",
    }
    return [figure, figure | whole]


def _is_part(column: Column) -> bool:
    """A part of a rate, which is summed whatever it is: the rate of some rows is the sums' quotient."""
    return column.name.endswith((NUMERATOR, DENOMINATOR))


def _money_key(column: Column, contract: Contract) -> str | None:
    """What an amount is of: its mint or currency, where the mart has its decimals."""
    in_app = column.name.startswith("units_")  # they have no decimals
    if column.data_type == "int64" or "decimals" not in contract.names or in_app:
        return None
    return next((name for name in MONEY_KEYS if name in contract.names), None)


def _rate(base: str, contract: Contract) -> list[Field]:
    """A share in per cent, or a mean in the numerator's own unit and, of an amount, in whole units too."""
    held = {column.name: column for column in contract.columns}
    numerator, denominator = held[base + NUMERATOR], held[base + DENOMINATOR]
    of = _money_key(numerator, contract)
    is_share = base.endswith(("rate", "share", "uptime")) and not of
    rate = {
        "name": base,
        "type": "number",
        "description": f"{words(base)}: {numerator.description} Divided by: {denominator.description}",
        "value_format_name": "percent_2" if is_share else "decimal_2",
        "sql": _quotient(base + NUMERATOR, base),
    }
    if not of:
        return [rate]
    rate["required_fields"] = [of]
    whole = {"name": f"{base}_in_units", "sql": _quotient(f"{base}{NUMERATOR}_in_units", base)}
    return [rate, rate | whole]


def _quotient(numerator: str, base: str) -> str:
    """Divided as NUMERIC: two INT64 would give a float."""
    return f"cast(${{{numerator}}} as numeric) / nullif(${{{base}{DENOMINATOR}}}, 0)"


def _key(contract: Contract) -> list[Field]:
    if not contract.key:
        return []
    parts = ", '|', ".join(f"coalesce(cast(${{TABLE}}.{name} as string), '')" for name in contract.key)
    return [{"name": "row_key", "primary_key": "yes", "hidden": "yes", "type": "string", "sql": f"concat({parts})"}]


def _rows() -> Field:
    return {"name": "rows", "type": "count", "description": "Rows of the mart."}


def _between(text: str, start: str, ends: Iterable[str]) -> list[str]:
    found = []
    for part in text.split(start)[1:]:
        stop = min((part.index(end) for end in ends if end in part), default=len(part))
        found.append(part[:stop])
    return found
