// An OPC UA server made with node-opcua. Arguments: a folder for its keys, a JSON object of variables
// { "name": {"type": "Double", "value": 1.5, "writable": true} }, and the security policies it offers, by commas.
// Prints its port, then answers one line per line: "set NAME VALUE", "status NAME STATUS", "get NAME", "burst NAME A B C",
// "writes normal|ignore|wrong|MILLISECONDS", "connections".
const path = require("path");
const say = (text) => process.stdout.write(`${text}\n`);
console.log = console.warn = console.error; // the library chats on stdout
const { OPCUAServer, standardUnits, Variant, DataType, StatusCodes, SecurityPolicy, MessageSecurityMode, OPCUACertificateManager } =
  require("node-opcua-server") && Object.assign({}, require("node-opcua-server"), require("node-opcua-variant"),
    require("node-opcua-status-code"), require("node-opcua-secure-channel"), require("node-opcua-certificate-manager"),
    require("node-opcua-data-access"));

const [folder, variables, policies, port] = [process.argv[2], JSON.parse(process.argv[3]), process.argv[4].split(","), Number(process.argv[5])];
const held = {};
let writes = "normal";

async function main() {
  const manager = new OPCUACertificateManager({ rootFolder: path.join(folder, "pki"), automaticallyAcceptUnknownCertificate: true });
  await manager.initialize();
  const server = new OPCUAServer({
    port,
    hostname: "127.0.0.1",
    serverCertificateManager: manager,
    securityPolicies: policies.map((name) => SecurityPolicy[name]),
    securityModes: policies.includes("None") ? [MessageSecurityMode.None] : [MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
    allowAnonymous: true,
    userManager: { isValidUser: (name, password) => name === "gatehouse" && password === "pump7" },
    serverInfo: { applicationUri: "urn:gatehouse:test:server" },
    nodeset_filename: [],
    maxConnectionsPerEndpoint: 50,
    serverCapabilities: { maxSessions: 100 },
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  const own = space.getOwnNamespace();
  const nodes = {};
  for (const [name, { type, value, writable, range }] of Object.entries(variables)) {
    held[name] = { type: DataType[type], value, status: StatusCodes.Good, at: new Date() };
    const what = {
      browseName: name, nodeId: `s=${name}`, dataType: type, minimumSamplingInterval: 10, value: { dataType: DataType[type], value },
    };
    const node = range // an analog item hangs in a folder of its own, as in a real server
      ? own.addAnalogDataItem({
        ...what, componentOf: own.addObject({ organizedBy: space.rootFolder.objects, browseName: "Line 1" }),
        engineeringUnits: standardUnits.degree_celsius, engineeringUnitsRange: { low: range[0], high: range[1] },
        description: "槽液温度",
      })
      : own.addVariable({ ...what, organizedBy: space.rootFolder.objects });
    nodes[name] = node;
    if (writable) {
      const bind = node.writeValue.bind(node);
      node.writeValue = (context, dataValue, ...rest) => {
        const callback = rest.at(-1);
        if (writes === "normal") return bind(context, dataValue, ...rest);
        if (writes === "wrong") put(variables[name].other, dataValue.value.value);
        if (writes === "wrong" || writes === "ignore") return callback(null, StatusCodes.Good);
        return setTimeout(() => bind(context, dataValue, ...rest), Number(writes));
      };
    }
  }
  function put(name, value) {
    held[name].value = value;
    nodes[name].setValueFromSource(new Variant({ dataType: held[name].type, value }), held[name].status, new Date());
  }
  await server.start();
  say(server.endpoints[0].port);
  require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const [verb, name, ...rest] = line.split(" ");
    if (verb === "set") { put(name, held[name].type === DataType.Boolean ? rest[0] !== "0" : Number(rest[0])); say("ok"); }
    else if (verb === "status") { held[name].status = StatusCodes[rest[0]]; put(name, held[name].value); say("ok"); }
    else if (verb === "burst") { for (const one of rest) put(name, Number(one)); say("ok"); }
    else if (verb === "get") say(Number(nodes[name].readValue().value.value));
    else if (verb === "writes") { writes = name; say("ok"); }
    else if (verb === "connections") say(server.currentChannelCount);
    else if (verb === "sessions") say(server.engine.currentSessionCount);
    else say("?");
  }).on("close", () => process.exit(0));
}
main().catch((error) => { console.error(error); process.exit(1); });
