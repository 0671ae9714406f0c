// What omron-fins reads and writes at a PLC: fins_client.js PORT tcp|udp. Prints one JSON object of its answers.
const fins = require("omron-fins");

const [port, protocol] = [Number(process.argv[2]), process.argv[3]];
const client = fins.FinsClient(port, "127.0.0.1", { timeout: 2000, SA1: 5, DA1: 10, protocol });
const found = {};
const steps = [
  ["words", (done) => client.read("D00100", 4, done)],
  ["bits", (done) => client.read("CIO10.14", 2, done)],
  ["wrote", (done) => client.write("D00300", [11, 22], done)],
  ["set", (done) => client.write("W20.5", [true], done)],
  ["bad", (done) => client.read("D00903", 1, done)],
];
function next() {
  const step = steps.shift();
  if (!step) {
    console.log(JSON.stringify(found));
    process.exit(0);
  }
  step[1]((error, message) => {
    found[step[0]] = error ? String(error) : (message.response.values || []).length ? message.response.values : message.response.endCode;
    next();
  });
}
// It says "open" before it is ready to be asked.
setTimeout(next, 300);
setTimeout(() => process.exit(1), 8000);
