"""RFC 6962 trees in SQL: the nodes 8, 16 and 24 levels above the leaves, and the roots, of many trees at once.

The table of leaves has columns `tree` (the tree), `position` (from 0 without a gap) and `hash` (hexadecimal). A level
is one aggregation of pairs, a last node without a partner goes up as it is, and eight levels are one statement. Nothing
recurs over rows and no row holds more than two hashes; a statement works on 1/256 of the rows of the one before.

Byte strings are built as hexadecimal text: the embedded warehouse doesn't join BYTES (`concat`) as BigQuery does.
"""

from __future__ import annotations

STEP = 8
LEVELS = (8, 16, 24)
"""Levels whose nodes are kept; those between follow from 256 nodes of the level below."""
TOP = 32
"""The level of the root of a tree of more than 2**24 leaves; larger trees than 2**32 leaves are not computed."""


def above_sql(nodes: str) -> str:
    """SELECT of (tree, position, hash): the nodes 8 levels above those of `nodes`, a table or subquery."""
    for _ in range(STEP):
        nodes = f"({_next_level(nodes)})"
    return f"select tree, position, hash from {nodes}"


def _next_level(nodes: str) -> str:
    both = "max(if(mod(position, 2) = 0, hash, null)), max(if(mod(position, 2) = 1, hash, null))"
    return (
        "select tree, div(position, 2) as position, "
        f"if(count(*) = 2, to_hex(sha256(from_hex(concat('01', {both})))), max(hash)) as hash "
        f"from {nodes} group by tree, div(position, 2)"
    )


def tree_script(leaves: str, nodes: str, largest: int) -> str:
    """Statements that make the table `nodes` (tree, level, position, hash) out of the table `leaves`.

    `largest` is the number of leaves of the largest tree. A level is there for the trees that have more than one node
    on the kept level below; level 32 holds roots of trees with more than 2**24 leaves. `roots_sql` reads the roots.
    Raises ValueError for a tree that is too large.
    """
    if largest > 2**TOP:
        raise ValueError(f"a tree of {largest} leaves: more than 2**{TOP}")
    statements = [f"create or replace table {nodes} as {_step(leaves, STEP)};"]
    for level in (*LEVELS[1:], TOP):
        if largest > 2 ** (level - STEP):  # each step takes an engine a second to plan, also where it has nothing to do
            below = f"(select tree, position, hash from {nodes} where level = {level - STEP})"
            statements.append(f"insert into {nodes} (tree, level, position, hash) {_step(below, level)};")
    return "\n".join(statements)


def _step(below: str, level: int) -> str:
    several = f"select tree from {below} where position = 1"
    return f"select tree, {level} as level, position, hash from ({above_sql(below)}) where tree in ({several})"


def roots_sql(leaves: str, nodes: str) -> str:
    """SELECT of (tree, size, root) of each tree with a leaf: the node of the level that has one only."""
    return f"""
        with alone as (
            select tree, 0 as level, count(*) as size, max(hash) as hash from {leaves} group by tree
            union all
            select tree, level, count(*) as size, max(hash) as hash from {nodes} group by tree, level
        )
        select tree, max(if(level = 0, size, null)) as size, max(if(size = 1, hash, null)) as root
        from alone group by tree
    """
