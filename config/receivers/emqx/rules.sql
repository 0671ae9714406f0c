-- 1. P1 and P2 alarms, one row each. De-duplicate in the table by PRIMARY KEY (id).
SELECT payload.id AS id, payload.ts_ms AS ts_ms, payload.site AS site, payload.gw AS gateway, payload.alarm AS alarm,
       payload.ev AS event, payload.state AS state, payload.prio AS priority, payload.first_out AS first_out, payload.late AS late
FROM "gatehouse/v1/+/+/alarm/p1/#", "gatehouse/v1/+/+/alarm/p2/#";

-- 2. Gateway lost: the last will, published within 30 s.
SELECT topic, nth(4, tokens(topic, '/')) AS gateway, payload.boot AS boot, now_timestamp('millisecond') AS ts_ms
FROM "gatehouse/v1/+/+/status"
WHERE payload.online = false;

-- 3. Numbers that never come, and why.
SELECT payload.gw AS gateway, payload.lane AS lane, payload.first AS first, payload.last AS last, payload.reason AS reason
FROM "gatehouse/v1/+/+/gap";

-- 4. Anchors of the journal: keep them where the gateway cannot reach them.
SELECT payload.gw AS gateway, payload.target AS seq, payload.head AS head, payload.ts_ms AS ts_ms
FROM "gatehouse/v1/+/+/audit"
WHERE payload.verb = 'journal.anchor';
