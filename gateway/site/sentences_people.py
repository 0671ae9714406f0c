"""What is said of people.toml."""

from __future__ import annotations

from gateway.site.sentence import Sentence

PEOPLE: dict[str, Sentence] = {
    "people.no-user": Sentence(
        'Worker "{name}": users.toml has no user "{value}" with the role worker.',
        "人员“{name}”：users.toml 中没有角色为 worker 的用户“{value}”。",
        "{near}Add the user with the role worker, so that this person can see their own data.",
        "{near}请添加该用户并给予 worker 角色，本人才能查看自己的数据。",
    ),
    "people.same-device": Sentence(
        'Device "{value}" is worn by "{name}" and by "{other}".',
        "设备“{value}”同时属于“{name}”与“{other}”。",
        "Give each device to one person: else the data of one becomes the data of the other.",
        "每个设备只能属于一人，否则一人的数据会变成另一人的数据。",
    ),
    "people.same-number": Sentence(
        'The number or user {value} of "{name}" is that of "{other}".',
        "“{name}”的编号或用户 {value} 与“{other}”相同。",
        "Give each its own: rules count by it.",
        "请各用各的编号或用户，规则按它计数。",
    ),
    "people.key-in-state": Sentence(
        "The key directory lies inside the state folder.",
        "密钥目录位于状态目录内。",
        "Move it outside, such as keys: whoever backs up the state folder would take the key along with what it locks.",
        "请移到外面，例如 keys：否则备份状态目录时会把密钥连同密文一起带走。",
    ),
    "people.corner": Sentence(
        'Zone "{name}" has a corner that is not [x, y].',
        "区域“{name}”有角点不是 [x, y]。",
        "Write corners = [[0, 0], [10, 0], [10, 5]], in m.",
        "请写 corners = [[0, 0], [10, 0], [10, 5]]，单位 m。",
    ),
    "people.spacing": Sentence(
        'Anchor "{name}" is {value} m from the nearest other anchor.',
        "基站“{name}”距最近的其他基站 {value} m。",
        "Keep anchors within 15 m of each other, else positions in between are too uncertain to decide a zone.",
        "基站间距请不超过 15 m，否则其间的位置误差过大，无法判断区域。",
    ),
    "people.anchors": Sentence(
        "{value} anchors are too few for positions from ranges.",
        "{value} 个基站不足以由测距解算位置。",
        "Five must be in sight: two more than a plane needs, so that a wrong range shows.",
        "至少须有 5 个可见：比平面定位多 2 个，才能识别错误测距。",
    ),
}
