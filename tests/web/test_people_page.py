"""A worker's own page in real Chromium, with what the door really answers: it says what is kept, why and who looked, and it asks first."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.people.stage import stage
from tests.people.test_door import worked
from tests.web.conftest import Scene

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"


async def answers(folder: Path) -> dict[str, Any]:
    """What the door gives to somebody who worked, and of whom an officer looked at the events."""
    async with stage(folder) as on:
        await worked(on)
        await on.ask("qian-hua", "events", reason="walk round")
        found = {}
        for verb in ("see", "purposes", "access", "status"):
            found[f"person.{verb}"] = (await on.ask("zhao-min", verb)).data
        return found


STUB = """(() => {
  const known = window.known = %s; window.asked = [];
  const real = window.fetch;
  window.fetch = async (path, given) => {
    if (path === "/api/v1/nonce") return new Response(JSON.stringify({ nonce: "n" }));
    if (window.standing && path.startsWith("/api/v1/session")) return new Response(JSON.stringify(window.standing));
    if (path !== "/api/v1/act") return real(path, given);
    const body = JSON.parse(given.body); window.asked.push(body);
    const data = window.signedIn ? known[body.verb] ?? null : null;
    return new Response(JSON.stringify({ code: window.signedIn ? 0 : 5, message: window.signedIn ? "" : "sign in first", data }),
      { status: window.signedIn ? 200 : 401 });
  };
  window.confirm = () => true;
})()"""


def test_a_worker_sees_their_own_page(seen: Any, tmp_path: Path) -> None:
    async def look(scene: Scene) -> None:
        known = await answers(tmp_path / "site")
        await scene.settle()
        tab = scene.tab
        await tab.ask((STUB % json.dumps(known)) + ";true")
        await tab.ask("location.hash = '#/people'")
        await tab.until("document.querySelector('main').textContent.includes('sign in first')")
        await tab.ask("window.signedIn = true; document.querySelector('main button').click(); true")
        await tab.until("document.querySelectorAll('main section').length >= 4")
        text = str(await tab.ask("document.querySelector('main').textContent"))
        assert "qian-hua" in text
        assert "walk round" in text
        assert "phone" in text
        take_back = (
            "[...document.querySelectorAll('main button')].find((one) => /撤回同意|Take back/.test(one.textContent))"
        )
        await tab.ask(f"{take_back}.click()")
        await tab.until("window.asked.some((one) => one.verb === 'person.withdraw' && one.args.purpose === 'fatigue')")
        assert re.search("给您的通知|What you were told", text)
        assert re.search("紧急|somebody looked|有人查看", text)
        if AXE.exists():
            await tab.ask(f"{AXE.read_text()};true")
            report = await tab.ask("axe.run().then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))")
            assert report == []
        await tab.size(390, 844)
        assert await tab.ask("document.documentElement.scrollWidth <= innerWidth")
        await stands(tab, "sun-yi", ["medic"])
        await tab.until("!document.querySelector('main').textContent.includes('walk round')")
        await glass(tab)

    seen(look)


async def stands(tab: Any, person: str, roles: list[str]) -> None:
    """Somebody else signs in at the same screen; the door has nothing of their own for them."""
    standing = {"person": {"id": person, "name": person}, "roles": roles, "left_s": 90}
    await tab.ask(f"window.standing = {json.dumps(standing)}; delete known['person.see']; true")
    await tab.ask("import('/static/session.js').then((one) => one.ask()).then(() => true)")


async def glass(tab: Any) -> None:
    """A medic asks for the latest values of one person, and what the page sends is what was typed."""
    await tab.until("document.querySelectorAll('main input').length === 2")
    typed = (
        "(at, text) => { const one = document.querySelectorAll('main input')[at];"
        " one.value = text; one.dispatchEvent(new Event('input')); }"
    )
    await tab.ask(f"({typed})(0, 'w7'); ({typed})(1, 'collapsed'); true")
    await tab.until(
        "[...document.querySelectorAll('main button')].some((one) => /申请查看|Ask for/.test(one.textContent) && !one.disabled)"
    )
    await tab.ask(
        "[...document.querySelectorAll('main button')].find((one) => /申请查看|Ask for/.test(one.textContent)).click(); true"
    )
    await tab.until(
        "window.asked.some((one) => one.verb === 'person.glass' && one.target === 'w7' && one.args.reason === 'collapsed')"
    )


def test_the_words_of_the_page_are_in_both_languages() -> None:
    text = (Path(__file__).parents[2] / "gateway/page/static/people_words.js").read_text("utf-8")
    words = json.loads(text[text.index("export default") + len("export default") :])
    assert set(words["en"]) == set(words["zh-CN"])
    static = Path(__file__).parents[2] / "gateway/page/static"
    source = (static / "people.js").read_text("utf-8") + (static / "glass.js").read_text("utf-8")
    asked = set(re.findall(r'(?:say|button)\("([a-z.-]+)"|name="([a-z.-]+)"', source))
    asked = {word for pair in asked for word in pair if word}
    assert asked <= set(words["en"])
