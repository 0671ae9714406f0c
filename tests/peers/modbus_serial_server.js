// A Modbus TCP device made with modbus-serial. Its memory comes as one JSON object on the command line:
// { "holding": {"100": 4660}, "input": {}, "coil": {}, "discrete": {} }. A port may follow it.
// Prints its port. Then "get TABLE N" per line.
const { ServerTCP } = require("modbus-serial");

const memory = JSON.parse(process.argv[2]);
const at = (table, address) => memory[table][address] || 0;
const server = new ServerTCP(
  {
    getHoldingRegister: (address) => at("holding", address),
    getInputRegister: (address) => at("input", address),
    getCoil: (address) => Boolean(at("coil", address)),
    getDiscreteInput: (address) => Boolean(at("discrete", address)),
    setRegister: (address, value) => { memory.holding[address] = value; },
    setCoil: (address, value) => { memory.coil[address] = value ? 1 : 0; },
    // function 43/14: vendor, product code, revision
    readDeviceIdentification: () => ({ 0: "Plant Controls", 1: "PC-340", 2: "V2.11" }),
  },
  { host: "127.0.0.1", port: Number(process.argv[3] || 0), unitID: 1 },
);
server.on("initialized", () => console.log(server._server.address().port));
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const [verb, table, address] = line.split(" ");
  console.log(verb === "get" ? Number(at(table, address)) : "?");
}).on("close", () => process.exit(0));
