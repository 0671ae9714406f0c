// A Modbus TCP device made with modbus-serial. Its memory comes as one JSON object on the command line:
// { "holding": {"100": 4660}, "input": {}, "coil": {}, "discrete": {} }. A port may follow it.
// Prints its port. Then "get TABLE N" per line.
const net = require("net");
const { ServerTCP } = require("modbus-serial");

const memory = JSON.parse(process.argv[2]);
const at = (table, address) => memory[table][address] || 0;
const vector = {
  getHoldingRegister: (address) => at("holding", address),
  getInputRegister: (address) => at("input", address),
  getCoil: (address) => Boolean(at("coil", address)),
  getDiscreteInput: (address) => Boolean(at("discrete", address)),
  setRegister: (address, value) => { memory.holding[address] = value; },
  setCoil: (address, value) => { memory.coil[address] = value ? 1 : 0; },
  // function 43/14: vendor, product code, revision
  readDeviceIdentification: () => ({ 0: "Plant Controls", 1: "PC-340", 2: "V2.11" }),
};

function serve(port) {
  const server = new ServerTCP(vector, { host: "127.0.0.1", port, unitID: 1 });
  server.on("initialized", () => console.log(server._server.address().port));
}

// The library takes port 0 for 502, which is root's: a free one is looked for first.
if (process.argv[3]) serve(Number(process.argv[3]));
else {
  const free = net.createServer().listen(0, "127.0.0.1", () => {
    const { port } = free.address();
    free.close(() => serve(port));
  });
}
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const [verb, table, address] = line.split(" ");
  console.log(verb === "get" ? Number(at(table, address)) : "?");
}).on("close", () => process.exit(0));
