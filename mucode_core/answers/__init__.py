"""A model's answer to the program in it: one rule, in one place, with a version.

The order in which the parts of the rule are tried:

1. End-of-text tokens at the end are dropped, and reasoning (`<think>` and its kin) is skipped.
2. The content of `[PYTHON]`, `<answer>`, `<code>` or `<solution>` tags is the answer; of several, the last.
3. Blocks of a CommonMark document: the last complete one that defines what is asked for, with the blocks whose
   definitions it needs. Blocks in another language count only where nothing else does.
4. JSON with a field of code; doctest prompts; a bare function body where the prompt ends in a declaration.
5. The whole text where it is a program, else the longest run of lines in it that is one.
"""

from __future__ import annotations

from mucode_core.answers.extraction import ANYTHING, RULE_VERSION, Asked, Extraction, Rule, asked_by, extract_program

__all__ = ["ANYTHING", "RULE_VERSION", "Asked", "Extraction", "Rule", "asked_by", "extract_program"]
