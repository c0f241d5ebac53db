"""Constants of the area's tests: the first simulated day and the platform's addresses as configured."""

from __future__ import annotations

from datetime import UTC, datetime

START = datetime(2026, 10, 5, tzinfo=UTC)
VAULT = "3br6bWgnfFxuv96uCMfPZqng2mSiRMmac6pq8GZyqQBr"
SKILL_VAULT = "5cyb65ThFpQye2vRrTeoVCa1Jvomh6Uaui5ysYYtYC8o"
USDC = "FLJEHp146XNAu8cnbfTaWMH3mjYZCe3LXWKkyMTCWVRB"
SKILL = "FSsEwVnh5oa7uo16MpJPBShuGHTjwzxwm1cuyNDWztkg"
