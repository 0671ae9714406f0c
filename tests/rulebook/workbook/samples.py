"""Workbooks of these tests, as a person would type them into CSV."""

HEAD = "gatehouse cause & effect 因果表"
CAUSES = "id,tag,op,limit,unit,hyst,for,vote,on_bad,bypass,pst,area,zh,en"


def book(effects: dict[str, list[str]], causes: list[str]) -> str:
    """CSV of a matrix: rows of effect fields, then causes written as `fields | marks`."""
    pad = "," * 14
    lines = [
        (HEAD if at == 0 else "") + pad + name + "," + ",".join(row) for at, (name, row) in enumerate(effects.items())
    ]
    lines.append(CAUSES)
    for cause in causes:
        fields, _, marks = cause.partition("|")
        cells = [cell.strip() for cell in fields.split(",")]
        lines.append(",".join(cells + [""] * (14 - len(cells))) + ",," + ",".join(m.strip() for m in marks.split(",")))
    return "\n".join(lines) + "\n"


PUMPS = book(
    {
        "effect": ["STOP_PUMP", "VENT", "WARN"],
        "target": ["y0; y2", "y1", ""],
        "within": ["1 s", "", ""],
        "latch": ["yes", "yes", ""],
        "reset_by": ["supervisor", "engineer", ""],
        "priority": ["P1", "P1", "P3"],
        "else": ["y3", "", ""],
    },
    [
        "LSLL, a0, <, 10, %, 2, , , , , 30 s, , 液位低低, level low-low | X",
        "LSL, a0, <, 20, %, 2, , , , , , , 液位低, level low | A, , A",
        "PSHH, a1, >, 80, %, , 500 ms, , , , 30 s, , 压力高高, pressure high-high | X/1s",
        "TSHH, a2, >=, 90, %, 5, , , , , 60 s, , 温度高高, temperature high-high | R, X/2s",
        "G1, a3, >, 50, %, , , 2oo3:GAS, , , 30 s, , , | X, X",
        "G2, a4, >, 50, %, , , 2oo3:GAS, , , 30 s, , , | X, X",
        "G3, a5, >, 50, %, , , 2oo3:GAS, , , 30 s, , , | X, X",
        "RUN, d0, =, 1, , , , , , , , , , | P",
        "MAINT, d1, =, 1, , , , , , , , , , | N, N",
        "TRIAL, a6, >, 70, %, , , , , , , , , | S",
    ],
)
VOTES = book(
    {
        "effect": ["A", "B", "C", "D"],
        "target": ["y0", "y0", "y1", "y2"],
        "priority": ["P1", "P1", "P2", "P1"],
        "delay": ["", "1 s", "", ""],
    },
    [
        "C1, a0, >, 50, %, , , , trip after 1 s, , 30 s | 2oo2:G1, , ,",
        "C2, a1, >, 50, %, , , , trip after 1 s, , 30 s | 2oo2:G1, , ,",
        "C3, a2, >, 50, %, , , , trip after 1 s, , 30 s | 1oo2:G2, , ,",
        "C4, a3, >, 50, %, , , , trip after 1 s, , 30 s | 1oo2:G2, , ,",
        'C5, a4, >, 50, %, , 1 s, , avail after 3 s because "spare on site", never, 30 s | , 2oo3:G1, ,',
        'C6, a5, >, 50, %, , 1 s, , avail after 3 s because "spare on site", never, 30 s | , 2oo3:G1, ,',
        'C7, a6, >, 50, %, , 1 s, , avail after 3 s because "spare on site", never, 30 s | , 2oo3:G1, ,',
        "C8, a7, <, 50, %, 3, , , safe after 2 s, 4 h by engineer, 30 s | , , 3oo4:G1, X",
        "C9, a8, <=, 50, %, , , , safe after 2 s, 4 h by engineer, 30 s | , , 3oo4:G1, X/500ms",
        "C10, a9, >=, 50, %, , , , safe after 2 s, 4 h by engineer, 30 s | , , 3oo4:G1, X/3s",
        "C11, d2, =, 1, , , , , safe after 2 s, 4 h by engineer, 30 s | , , 3oo4:G1, X",
    ],
)
SAMPLES = {"pumps.csv": PUMPS, "votes.csv": VOTES}
