"""Compares what the Autobahn TestSuite saw with what it should have seen.

expected.txt has a line for every case of the suite: its number, the behavior and the behavior while
closing. Nothing but OK and INFORMATIONAL stands there, so there are no allowed exceptions; and a
case that is missing from the report is as wrong as one that failed.
"""
import collections
import json
import re

GOOD = {"OK", "INFORMATIONAL"}


def read_expected(path):
    """Case to (behavior, behavior while closing)."""
    expected = {}
    for line in path.read_text().splitlines():
        case, behavior, behavior_close = line.split()
        if case in expected or not {behavior, behavior_close} <= GOOD:
            raise SystemExit(f"{path.name}: {line!r} cannot stand there")
        expected[case] = (behavior, behavior_close)
    return expected


def select(expected, patterns):
    """The part of `expected` that the patterns name, in which * stands for anything."""
    rules = [re.compile(re.escape(pattern).replace(r"\*", ".*")) for pattern in patterns]
    unused = [rule.pattern for rule in rules if not any(map(rule.fullmatch, expected))]
    if unused:
        raise SystemExit(f"no case matches {unused}")
    return {
        case: words
        for case, words in expected.items()
        if any(rule.fullmatch(case) for rule in rules)
    }


def judge(expected, reports, agent):
    """(how many cases got which behavior, a sentence for each difference)."""
    index = reports / "index.json"
    seen = json.loads(index.read_text()).get(agent, {}) if index.exists() else {}
    faults = []
    for case in sorted(expected.keys() | seen.keys(), key=in_order):
        if case not in seen:
            faults.append(f"{case}: was not run")
        elif case not in expected:
            faults.append(f"{case}: nobody expected it")
        else:
            words = (seen[case]["behavior"], seen[case]["behaviorClose"])
            if words != expected[case]:
                faults.append(f"{case}: {describe(words, expected[case], reports, seen[case])}")
    return collections.Counter(entry["behavior"] for entry in seen.values()), faults


def in_order(case):
    return [int(number) for number in case.split(".")]


def describe(words, expected, reports, entry):
    report = json.loads((reports / entry["reportfile"]).read_text())
    lines = [f"{' / '.join(words)} where {' / '.join(expected)} is expected"]
    for key in ["description", "expectation", "result", "resultClose"]:
        lines.append(f"    {key}: {shortened(report[key])}")
    lines.append(f"    {entry['duration']} ms, closed with {entry['remoteCloseCode']}: "
                 f"{entry['reportfile']}")
    return "\n".join(lines)


def shortened(text, limit=400):
    text = " ".join(str(text).split())
    return text if len(text) <= limit else text[:limit] + " …"
