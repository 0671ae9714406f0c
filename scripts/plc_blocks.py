"""Writes config/plc/<brand>/: the watchdog block in the brand's own text, and its commissioning page in both languages.

One block, one page; brands.toml holds what differs. tests/plc runs what is written here, and says when a file is not what this makes.
"""

from __future__ import annotations

import csv
import io
import sys
import tomllib
from pathlib import Path
from typing import Any

PLC = Path(__file__).resolve().parents[1] / "config" / "plc"
TIMEOUT_MS, COUNT_MS, SCAN_MAX_MS = 900, 100, 30

# name, class, type ("" = that of the brand's heartbeat word), first value, what it is
BLOCK = (
    ("Heartbeat", "input", "", "0", "written by the gateway every 250 ms; only its changing counts"),
    ("Reset", "input", "BOOL", "FALSE", "button at the panel, not reachable over the network"),
    ("FirstScan", "input", "BOOL", "FALSE", "true in the first scan after power-up"),
    ("Healthy", "output", "BOOL", "FALSE", "false = dropped and latched; the gateway reads it"),
    ("Silent", "output", "BOOL", "TRUE", "the heartbeat stands still"),
    ("Trips", "output", "INT", "0", "how often it has dropped"),
    ("PlcCounter", "output", "INT", "0", "the PLC's own sign of life; the gateway reads it"),
    ("Last", "local", "", "0", "the heartbeat of the scan before"),
    ("Changed", "local", "BOOL", "FALSE", "the heartbeat moved in this scan"),
    ("Seen", "local", "BOOL", "FALSE", "it has moved since power-up"),
    ("ResetBefore", "local", "BOOL", "TRUE", "the button in the scan before"),
    ("Silence", "local", "TON", "", "time without a change"),
    ("Tick", "local", "TON", "", "pace of the PLC's own counter"),
)
BODY = """\
(* power-up: dropped, and what stands in the heartbeat word from before means nothing *)
IF ·FirstScan THEN
    ·Healthy := FALSE;
    ·Seen := FALSE;
    ·ResetBefore := TRUE;
END_IF;

(* any change is a sign of life and starts the time again *)
·Changed := ·Heartbeat <> ·Last;
{silence}
IF ·Changed THEN
    ·Last := ·Heartbeat;
    IF NOT ·FirstScan THEN
        ·Seen := TRUE;
    END_IF;
END_IF;
·Silent := ·Silence.{done} OR NOT ·Seen;

(* dropped, and latched: a heartbeat that comes back changes nothing *)
IF ·Silent AND ·Healthy THEN
    ·Healthy := FALSE;
    IF ·Trips < 30000 THEN
        ·Trips := ·Trips + 1;
    END_IF;
END_IF;

(* only a push at the panel, only while the heartbeat moves *)
IF ·Reset AND NOT ·ResetBefore AND NOT ·Silent THEN
    ·Healthy := TRUE;
END_IF;
·ResetBefore := ·Reset;

(* the PLC's own sign of life; it turns back before an INT is full *)
{tick}
IF ·Tick.{done} THEN
    IF ·PlcCounter >= 30000 THEN
        ·PlcCounter := 0;
    ELSE
        ·PlcCounter := ·PlcCounter + 1;
    END_IF;
END_IF;
"""
MAIN = """\
(* behind everything else that writes these bits, and before the outputs *)
{call}
·GW_Healthy := {instance}.Healthy;
·GW_PlcCounter := {instance}.PlcCounter;
IF NOT {instance}.Healthy THEN
    ·GW_Pump7Permit := FALSE; (* safe = 0: what the gateway wrote is overwritten each scan *)
    ·GW_Fan1Start := TRUE;    (* safe = 1: the emergency fan must run *)
END_IF;
·Q_Pump7 := ·Pump7Run AND ·GW_Pump7Permit; (* a permission in series with the plant's own logic *)
·Q_Fan1 := ·GW_Fan1Start;
"""
RUNGS = f"""\
XIC(S:FS)[OTU(WD_Healthy),OTU(WD_Seen),OTL(WD_ResetBefore)];
NEQ(GW_Heartbeat,WD_Last)OTE(WD_Changed);
XIO(WD_Changed)XIO(S:FS)TON(WD_Silence,{TIMEOUT_MS},0);
XIC(WD_Changed)[MOV(GW_Heartbeat,WD_Last),XIO(S:FS)OTL(WD_Seen)];
[XIC(WD_Silence.DN),XIO(WD_Seen)]OTE(WD_Silent);
XIC(WD_Silent)XIC(WD_Healthy)[OTU(WD_Healthy),LES(WD_Trips,30000)ADD(WD_Trips,1,WD_Trips)];
XIC(PB_WatchdogReset)XIO(WD_ResetBefore)XIO(WD_Silent)OTL(WD_Healthy);
XIC(PB_WatchdogReset)OTE(WD_ResetBefore);
XIO(WD_Tick.DN)TON(WD_Tick,{COUNT_MS},0);
XIC(WD_Tick.DN)[GEQ(GW_PlcCounter,30000)MOV(0,GW_PlcCounter),ADD(GW_PlcCounter,1,GW_PlcCounter)];
XIC(WD_Healthy)OTE(GW_Healthy);
XIO(WD_Healthy)[OTU(GW_Pump7Permit),OTL(GW_Fan1Start)];
XIC(Pump7Run)XIC(GW_Pump7Permit)OTE(Q_Pump7);
XIC(GW_Fan1Start)OTE(Q_Fan1);
"""
TAGS = (
    ("GW_Heartbeat", "", "written by the gateway", "由网关写入", "`heartbeat`"),
    ("GW_Healthy", "BOOL", "false = dropped", "FALSE 表示已动作", "`healthy`"),
    ("GW_PlcCounter", "INT", "the PLC's own counter", "PLC 自身计数器", "`reverse_heartbeat`"),
    ("PB_WatchdogReset", "BOOL", "button at the panel", "柜上复位按钮", "–"),
    ("GW_Pump7Permit", "BOOL", "an output of the gateway, safe = 0", "网关输出示例，安全值 0", "tags.csv"),
    ("GW_Fan1Start", "BOOL", "an output of the gateway, safe = 1", "网关输出示例，安全值 1", "tags.csv"),
)


class Dialect:
    """How a brand writes the same block."""

    def __init__(self, brand: dict[str, Any]) -> None:
        self.kind: str = brand["dialect"]
        self.word: str = brand["heartbeat"]

    def type(self, name: str) -> str:
        """The brand's name of a type."""
        if name == "TON":
            return {"scl": "TON_TIME", "logix": "FBD_TIMER"}.get(self.kind, "TON")
        return (name or self.word) if self.kind != "scl" else (name or self.word).title().replace("Uint", "UInt")

    def _timer(self, name: str, enable: str, ms: int) -> str:
        if self.kind != "logix":
            return f"·{name}(IN := {enable}, PT := T#{ms}ms);"
        return f"{name}.PRE := {ms};\n{name}.TimerEnable := {enable};\nTONR({name});"

    def body(self) -> str:
        """The statements of the block."""
        done = "DN" if self.kind == "logix" else "Q"
        text = BODY.replace("{done}", done)
        text = text.replace("{silence}", self._timer("Silence", "NOT ·Changed AND NOT ·FirstScan", TIMEOUT_MS))
        text = text.replace("{tick}", self._timer("Tick", f"NOT ·Tick.{done}", COUNT_MS))
        return self._plain(text.replace("·", "#" if self.kind == "scl" else ""))

    def _plain(self, text: str) -> str:
        """Logix has no TRUE and FALSE."""
        return text.replace("TRUE", "1").replace("FALSE", "0") if self.kind == "logix" else text

    def declared(self) -> str:
        """The block's declarations as text."""
        lines = []
        for kind, head in (("input", "VAR_INPUT"), ("output", "VAR_OUTPUT"), ("local", "VAR")):
            lines.append(head)
            for name, mine, type_, first, about in BLOCK:
                if mine == kind:
                    value = f" := {first}" if first else ""
                    comment = f" // {about}" if self.kind == "scl" else f" (* {about} *)"
                    lines.append(f"    {name} : {self.type(type_)}{value};{comment}")
            lines.append("END_VAR")
        return "\n".join(lines) + "\n"

    def table(self) -> str:
        """The block's declarations for a tool that holds them in a table."""
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["name", "class", "type", "initial", "comment"])
        for name, kind, type_, first, about in BLOCK:
            rows.writerow([name, kind, self.type(type_), self._plain(first), about])
        return out.getvalue()

    def main(self) -> str:
        """The lines that call it."""
        arguments = "Heartbeat := ·GW_Heartbeat, Reset := ·PB_WatchdogReset, FirstScan := NOT ·Started"
        match self.kind:
            case "scl":
                call = f'"GatewayWatchdog_DB"({arguments});\n·Started := TRUE;'
                text = MAIN.replace("{call}", call).replace("{instance}", '"GatewayWatchdog_DB"')
                words = text.split("·")
                return words[0] + "".join(_quoted(part) for part in words[1:])
            case "logix":
                call = "GatewayWatchdog(Watchdog, GW_Heartbeat, PB_WatchdogReset, S:FS);"
            case _:
                call = f"Watchdog({arguments});\n·Started := TRUE;"
        text = MAIN.replace("{call}", call).replace("{instance}", "Watchdog").replace("·", "")
        head = (
            "VAR\n    Watchdog : GatewayWatchdog;\n    Started : BOOL := FALSE;\nEND_VAR\n"
            if self.kind == "iec"
            else ""
        )
        return head + self._plain(text)

    def files(self, ladder: bool) -> dict[str, str]:
        """Name -> text of everything that goes into the PLC."""
        made = {"Ladder.txt": RUNGS} if ladder or self.kind == "ladder" else {}
        match self.kind:
            case "scl":
                head = 'FUNCTION_BLOCK "GatewayWatchdog"\nVERSION : 0.1\n'
                body = f"{head}{self.declared()}BEGIN\n{self.body()}END_FUNCTION_BLOCK\n"
                return made | {"GatewayWatchdog.scl": body, "Main.scl": self.main()}
            case "iec":
                body = f"FUNCTION_BLOCK GatewayWatchdog\n{self.declared()}\n{self.body()}"
                return made | {"GatewayWatchdog.st": body, "Main.st": self.main()}
            case "table" | "logix":
                body = {"GatewayWatchdog.st": self.body(), "variables.csv": self.table()}
                return made | body | {"Main.st": self.main()}
        return made


def _quoted(part: str) -> str:
    """`Name rest` as `"Name"rest`."""
    end = next((at for at, letter in enumerate(part) if not (letter.isalnum() or letter == "_")), len(part))
    return f'"{part[:end]}"{part[end:]}'


# --- pages ---

PAGE = {
    "en": """\
# Watchdog block for {name}

[中文](README.zh-CN.md) · [what it must do and why](../../../docs/field/plc-watchdog.md)

Without this block in the PLC the gateway may read and must not write. It drops {timeout} s after the heartbeat last moved, the outputs of
the gateway stand safe within 1.0 s, it stays dropped when the heartbeat returns, and only a push at the panel resets it.

Files: {files}. They are written for {tool}. The text has been run, as it stands here, by the interpreter of this repository
against the timing above; it has not been compiled by the maker's tool, so compile it, and do the test below on your own PLC.

## Put it in

{steps}

| tag | type | what it is | in the gateway's site folder |
|---|---|---|---|
{tags}

Pump 7 and fan 1 are an example: one line for each output of the gateway, with its `safe` value from tags.csv.
**Scan or task cycle: at most {scan} ms.** The drop takes the {timeout} s and up to three scans; a slower PLC shortens the time accordingly.

## Prove it

1. `site.toml`: under `[source.NAME]` the keys `heartbeat`, `healthy` and `reverse_heartbeat`.
2. Push the reset button. Nothing may be energised on this PLC.
3. `gatehouse interlock test watchdog NAME` withholds the heartbeat and measures the drop. It is journalled under your name.
4. Pull the gateway's network cable, a stopwatch in your hand: safe within 1.0 s, and still safe after you put it back.
5. Switch the PLC off and on: dropped, outputs safe, until you push the button.

| checked | date | person | result |
|---|---|---|---|
| compiled without warning | | | |
| step 3: drop in ms | | | |
| step 4: safe in s | | | |
| step 5 | | | |
""",
    "zh-CN": """\
# {name} 看门狗程序块

[English](README.md) · [要求与原因](../../../docs/field/plc-watchdog.md)

PLC 中没有本程序块时，网关只可读，不得写。心跳停止变化 {timeout} s 后看门狗动作，网关的各输出在 1.0 s 内处于安全值；心跳恢复后仍保持
动作状态，只有按下柜上复位按钮才能解除。

文件：{files}，适用于 {tool}。
文本已由本仓库的解释器原样运行并按上述时间要求验证，但未经厂家工具编译：请自行编译，并在贵方 PLC 上完成下述试验。

## 装入

{steps}

| 变量 | 类型 | 含义 | 网关站点文件夹中 |
|---|---|---|---|
{tags}

7 号泵和 1 号风机仅为示例：网关的每个输出各写一行，取 tags.csv 中的 `safe` 值。
**扫描周期或任务周期不得大于 {scan} ms。** 动作时间为 {timeout} s 加最多三个扫描周期；扫描较慢的 PLC 须相应缩短该时间。

## 验证

1. 在 `site.toml` 的 `[source.名称]` 中填写 `heartbeat`、`healthy`、`reverse_heartbeat`。
2. 按下复位按钮。该 PLC 上不得有得电的联锁输出。
3. 执行 `gatehouse interlock test watchdog 名称`：网关停发心跳并测量动作时间，结果以您的名义写入日志。
4. 手持秒表拔下网关网线：1.0 s 内处于安全值，插回后仍保持。
5. PLC 断电再上电：处于已动作状态，各输出为安全值，直到按下按钮。

| 检查项 | 日期 | 人员 | 结果 |
|---|---|---|---|
| 编译无警告 | | | |
| 第 3 步：动作时间 ms | | | |
| 第 4 步：到安全值 s | | | |
| 第 5 步 | | | |
""",
}


def page(brand: dict[str, Any], files: list[str], language: str) -> str:
    """The commissioning page of a brand."""
    dialect, english = Dialect(brand), language == "en"
    tags = [
        f"| `{name}` | {dialect.type(type_)} | {en if english else zh} | {site} |" for name, type_, en, zh, site in TAGS
    ]
    steps = [f"{number}. {step}" for number, step in enumerate(brand["en" if english else "zh"], 1)]
    return PAGE[language].format(
        name=brand["name"], tool=brand["tool"], files=(", " if english else "、").join(f"`{name}`" for name in files),
        timeout=TIMEOUT_MS / 1000, scan=SCAN_MAX_MS, steps="\n".join(steps), tags="\n".join(tags),
    )  # fmt: skip


def made() -> dict[str, str]:
    """Path under config/plc -> text of every file."""
    brands = tomllib.loads((PLC / "brands.toml").read_text(encoding="utf-8"))
    found = {}
    for name, brand in brands.items():
        files = Dialect(brand).files(brand.get("ladder", False))
        found |= {f"{name}/{file}": text for file, text in files.items()}
        found[f"{name}/README.md"] = page(brand, sorted(files), "en")
        found[f"{name}/README.zh-CN.md"] = page(brand, sorted(files), "zh-CN")
    return found


def main() -> int:
    """Write the files."""
    for name, text in made().items():
        path = PLC / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
