// ThingsBoard uplink converter for MQTT integration: payload (bytes) and metadata in, devices with telemetry out.
// De-duplication: ThingsBoard keeps one value per key and timestamp, so a repeat writes the same point again.

function convert(payload, metadata) {
  var message = JSON.parse(decode(payload));
  var levels = metadata.topic.split("/");
  var kind = levels[4];
  var device = { deviceName: levels[3], deviceType: "gatehouse", attributes: { site: levels[2] }, telemetry: [] };
  if (kind === "alarm") {
    device.telemetry.push({
      ts: message.ts_ms,
      values: {
        alarm: message.alarm, event: message.ev, state: message.state, priority: message.prio, area: message.area,
        occurrence: message.occ, first_out: message.first_out, late: message.late, id: message.id,
        text: (message.txt || {})["zh-CN"] || (message.txt || {}).en || message.alarm,
        value: message.val === undefined ? null : message.val, unit: message.unit || "",
      },
    });
  } else if (kind === "status") {
    device.attributes.online = message.online;
    device.attributes.boot = message.boot;
  } else if (kind === "health") {
    device.telemetry.push({
      ts: message.ts_ms,
      values: { queued: message.queued, lost: message.lost, bypasses: message.bypasses, state: message.state },
    });
  } else if (kind === "active") {
    device.attributes.active = message.alarms.length + message.more;
  } else {
    return [];
  }
  return [device];
}

function decode(payload) {
  var text = "";
  for (var i = 0; i < payload.length; i++) {
    text += "%" + ("0" + (payload[i] & 0xff).toString(16)).slice(-2);
  }
  return decodeURIComponent(text);
}

// ThingsBoard runs the text below with `payload` and `metadata` in scope; Node.js takes the function.
if (typeof module !== "undefined") {
  module.exports = { convert: convert };
}
