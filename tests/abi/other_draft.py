#!/usr/bin/env python3
"""The contract's headers as another draft of the same number would have them: `older` lacks what the structs that may grow end
in, as far as it is reserved; in `newer` each of them has more at its end.

    other_draft.py older|newer INCLUDE OUT        two folders: the headers, and where the others are written
"""
import re
import sys
from pathlib import Path

STRUCT = re.compile(r"struct (rst_\w+) \{\n(?:[^{}]|\{[^{}]*\})*?\n\}", re.S)
IN_ARRAYS = {"rst_message", "rst_settlement", "rst_out_message", "rst_completion", "rst_kind", "rst_option_decl", "rst_field_decl"}
RESERVED = re.compile(r"\n\s+(?:uint64_t|void\*) (reserved\d*)(?:\[(\d)\])?;(?=\n\}$)")
FIRST = "rst_plugin"  # a host takes no table that is shorter than the first one was
LATER = 4


def other(draft, text, changed):
    def change(found):
        struct, name = found[0], found[1]
        if "struct_size;" not in struct and name not in IN_ARRAYS:
            return struct  # of a frozen size
        if draft == "newer":
            changed[name] = 8 * LATER
            fields = re.sub(r"/\*.*?\*/", "", struct, flags=re.S)
            aligned_to_8 = re.search(r"int64_t|\*|rst_str ", fields)  # what grows keeps the alignment that older peers give it
            later = f"uint64_t later[{LATER}]" if aligned_to_8 else f"uint32_t later[{2 * LATER}]"
            return f"{struct[:-2]}\n  {later};\n}}"
        tail = RESERVED.search(struct)
        if tail is None or name == FIRST:
            return struct
        changed[name] = -8 * int(tail[2] or 1)
        gone.append((name, tail[1]))
        return struct[:tail.start()] + struct[tail.end():]

    gone = []
    text = STRUCT.sub(change, text)
    for name, field in gone:
        text = text.replace(re.search(rf"RST_ASSERT_OFFSET\({name}, {field}, \d+\);\n", text)[0], "")
    return re.sub(r"RST_ASSERT_SIZE\((\w+), (\d+)\)",
                  lambda found: f"RST_ASSERT_SIZE({found[1]}, {int(found[2]) + changed.get(found[1], 0)})", text)


def main():
    draft, include, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    changed = {}
    for header in sorted(include.rglob("*.h")):
        target = out / header.relative_to(include)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(other(draft, header.read_text(), changed))
    assert changed.keys() >= {"rst_host", "rst_batch", "rst_event", "rst_settle"}, changed
    print(", ".join(f"{name} {by:+}" for name, by in sorted(changed.items())))


if __name__ == "__main__":
    main()
