"""One example per command, the same in every language: what is typed is not translated."""

from __future__ import annotations

EXAMPLES: dict[str, str] = {
    "run": "gatehouse run /etc/gatehouse/site",
    "check": "gatehouse check ./site --lang zh-CN",
    "demo": "gatehouse demo --for 40 --report report.json",
    "status": "gatehouse status --exit-code",
    "doctor": "gatehouse doctor --site /etc/gatehouse/site",
    "version": "gatehouse version -o json",
    "alarm list": "gatehouse alarm list --watch",
    "alarm show": "gatehouse alarm show tank1_level_low",
    "alarm ack": "gatehouse alarm ack tank1_level_low",
    "alarm reset": 'gatehouse alarm reset gas3_high --reason "leak closed, air measured"',
    "alarm handover": "gatehouse alarm handover",
    "alarm shelve": 'gatehouse alarm shelve tank1_level_low --minutes 30 --reason "level switch is being cleaned"',
    "alarm unshelve": "gatehouse alarm unshelve tank1_level_low",
    "alarm suppress": (
        "gatehouse alarm suppress pump7_flow_low --logic pump7_stopped "
        '--reason "no flow is expected while the pump stands"'
    ),
    "alarm unsuppress": "gatehouse alarm unsuppress pump7_flow_low",
    "alarm oos": (
        "gatehouse alarm oos gas3_high --moc MOC-2026-114 "
        '--measure "portable detector at the pump" --reason "detector is being replaced"'
    ),
    "alarm in-service": "gatehouse alarm in-service gas3_high",
    "alarm silence": "gatehouse alarm silence",
    "alarm watch": "gatehouse alarm watch -o jsonl",
    "interlock list": "gatehouse interlock list",
    "interlock show": "gatehouse interlock show pump7_dry_run",
    "interlock explain": "gatehouse interlock explain pump7_dry_run",
    "interlock test": "gatehouse interlock test watchdog plc1",
    "interlock shadow": "gatehouse interlock shadow pump7_dry_run",
    "interlock arm": 'gatehouse interlock arm pump7_dry_run --reason "commissioned, sheet 12"',
    "interlock disarm": 'gatehouse interlock disarm pump7_dry_run --reason "pump 7 removed for repair"',
    "interlock trip": "gatehouse interlock trip pump7_dry_run",
    "interlock reset": 'gatehouse interlock reset pump7_dry_run --reason "tank 1 filled"',
    "interlock clear": 'gatehouse interlock clear pump7_dry_run --reason "fault found and repaired"',
    "bypass list": "gatehouse bypass list",
    "bypass set": (
        "gatehouse bypass set tank_farm_gas gas3.lel --minutes 60 "
        '--reason "transmitter failed, spare on its way" --measure "portable detector at the pump"'
    ),
    "bypass clear": "gatehouse bypass clear tank_farm_gas gas3.lel",
    "tag list": "gatehouse tag list tank1.",
    "tag show": "gatehouse tag show tank1.level",
    "tag trend": "gatehouse tag trend tank1.level --seconds 600 -o csv",
    "tag watch": "gatehouse tag watch tank1.",
    "device list": "gatehouse device list",
    "device show": "gatehouse device show plc1",
    "record list": "gatehouse record list ./site",
    "record export": "gatehouse record export ./site --tag tank1.level --out level.csv",
    "record replay": "gatehouse record replay ./site",
    "record bundles": "gatehouse record bundles ./site",
    "record verify": "gatehouse record verify 20260501T080112Z-pump7_dry_run-3-1402.trip.zip --key box.pub",
    "record report": "gatehouse record report 20260501T080112Z-pump7_dry_run-3-1402.trip.zip --html trip.html",
    "upstream status": "gatehouse upstream status",
    "upstream watch": "gatehouse upstream watch mqtts://broker:8883 --ca ca.pem --certificate me.pem --key me.key",
    "rule export": "gatehouse rule export ./site interlocks.xlsx",
    "rule import": "gatehouse rule import ./site interlocks.xlsx --out interlocks.rules",
    "rule tests": "gatehouse rule tests ./site interlocks.xlsx -o csv --out tests.csv",
    "journal verify": "gatehouse journal verify /etc/gatehouse/site --anchors received.jsonl",
    "journal head": "gatehouse journal head /etc/gatehouse/site",
    "journal backup": "gatehouse journal backup /etc/gatehouse/site /mnt/usb/journal-2026-05",
    "journal restore": "gatehouse journal restore /etc/gatehouse/site /mnt/usb/journal-2026-05",
}
