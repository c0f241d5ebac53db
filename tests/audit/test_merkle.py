"""Roots and proofs against RFC 6962's own example and the test vectors of Certificate Transparency's reference log."""

import random
from hashlib import sha256

import pytest

from audit import merkle

# Inputs and roots of the reference implementation of RFC 6962 (github.com/google/certificate-transparency,
# cpp/merkletree/merkle_tree_test.cc): the roots of its first 1 to 8 inputs.
INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [merkle.leaf_hash(data) for data in INPUTS]


def _mth(leaves):
    """The definition of RFC 6962, section 2.1, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(_mth(leaves[:split]), _mth(leaves[split:]))


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference_log(size):
    assert merkle.root(LEAVES[:size]).hex() == ROOTS[size - 1]


def test_the_root_of_an_empty_log_is_the_hash_of_nothing():
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


# The same file's paths: leaf and size (leaves counted from 1 there, from 0 here) and the hashes.
PATHS = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]


@pytest.mark.parametrize(("index", "size", "path"), PATHS)
def test_paths_are_those_of_the_reference_log(index, size, path):
    assert [node.hex() for node in merkle.inclusion_proof(LEAVES[:size], index)] == path
    assert (
        merkle.root_from_inclusion(LEAVES[index], index, size, [bytes.fromhex(node) for node in path]).hex()
        == ROOTS[size - 1]
    )


PROOFS = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]


@pytest.mark.parametrize(("old", "size", "path"), PROOFS)
def test_consistency_proofs_are_those_of_the_reference_log(old, size, path):
    assert [node.hex() for node in merkle.consistency_proof(LEAVES[:size], old)] == path
    roots = [bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[size - 1])]
    assert merkle.consistent(old, roots[0], size, roots[1], [bytes.fromhex(node) for node in path])


def test_trees_of_every_size_and_their_proofs_follow_the_definition():
    leaves = [merkle.leaf_hash(str(n).encode()) for n in range(70)]
    roots = [_mth(leaves[:size]) for size in range(71)]
    assert [merkle.root(leaves[:size]) for size in range(71)] == roots
    for size in range(1, 71):
        for index in range(size):
            path = merkle.inclusion_proof(leaves[:size], index)
            assert merkle.root_from_inclusion(leaves[index], index, size, path) == roots[size]
        for old in range(size + 1):
            assert merkle.consistent(old, roots[old], size, roots[size], merkle.consistency_proof(leaves[:size], old))


def test_a_proof_with_one_bit_changed_shows_nothing():
    rng = random.Random(6962)
    leaves = [merkle.leaf_hash(str(n).encode()) for n in range(100)]
    for _ in range(300):
        size = rng.randrange(2, 101)
        index, old = rng.randrange(size), rng.randrange(1, size)
        whole = merkle.root(leaves[:size])
        path, proof = merkle.inclusion_proof(leaves[:size], index), merkle.consistency_proof(leaves[:size], old)
        for hashes in (path, proof):
            place = rng.randrange(len(hashes))
            changed = bytearray(hashes[place])
            changed[rng.randrange(32)] ^= 1 << rng.randrange(8)
            hashes[place] = bytes(changed)
        assert merkle.root_from_inclusion(leaves[index], index, size, path) != whole
        assert not merkle.consistent(old, merkle.root(leaves[:old]), size, whole, proof)


@pytest.mark.parametrize("path", [[], [b"\0" * 32] * 2, [b"\0" * 32] * 4])
def test_a_proof_of_another_length_is_refused(path):
    with pytest.raises(ValueError, match="proof is"):
        merkle.root_from_inclusion(LEAVES[0], 0, 8, path)
