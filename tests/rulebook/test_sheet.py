"""Positions and the caret line."""

from gateway.rulebook.sheet import EXCERPT_MAX, Sheet, excerpt, width


def test_the_caret_counts_chinese_twice() -> None:
    line = "  when 液位 < 30 公分 hyst"
    at = line.index("公分")
    shown, caret = excerpt(line, at, 2).split("\n")
    assert shown == line
    assert width(caret[: caret.index("^")]) == width(line[:at]) == at + 2
    assert caret.count("^") == 4


def test_a_tab_is_one_column_and_a_long_line_is_cut_around_the_caret() -> None:
    assert excerpt("\tx y", 1, 1) == " x y\n ^"
    shown, caret = excerpt("a" * 300 + "B" + "c" * 300, 300, 1).split("\n")
    assert len(shown) == EXCERPT_MAX
    assert shown[caret.index("^")] == "B"


def test_line_ends_and_bom_do_not_move_the_place() -> None:
    for text in ("\ufeffa\r\nbcd\r\n", "a\rbcd\r", "a\nbcd\n"):
        sheet = Sheet.of("x", text)
        assert sheet.text == "a\nbcd\n"
        assert sheet.place(3) == (2, 2)
    assert Sheet.of("x", "").place(0) == (1, 1)
