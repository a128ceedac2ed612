/*
 * What mermaid itself reads in each file named: nodes, edges and boxes, a JSON document a line. Labels are as it keeps them
 * for drawing; its own stand-ins for entities (#NN;) are put back. Needs the npm packages mermaid and jsdom in the folder it is run in.
 */
import {createRequire} from "node:module";
import {readFileSync} from "node:fs";
import {pathToFileURL} from "node:url";

const require = createRequire(pathToFileURL(process.cwd() + "/"));
const {JSDOM} = require("jsdom");
const {window} = new JSDOM("<!doctype html><body></body>");
globalThis.window = window;
globalThis.document = window.document;
const mermaid = (await import(pathToFileURL(process.cwd() + "/node_modules/mermaid/dist/mermaid.core.mjs").href)).default;
mermaid.initialize({startOnLoad: false});

const shown = (text) => (text ?? "").split(/<br\s*\/?>/)
	.map((line) => line.replaceAll(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(Number(code))));

for (const file of process.argv.slice(2)) {
	const text = readFileSync(file, "utf8");
	await mermaid.parse(text);
	const {db} = await mermaid.mermaidAPI.getDiagramFromText(text);
	const nodes = Object.fromEntries([...db.getVertices().values()].map((v) => [v.id, shown(v.text)]));
	const edges = db.getEdges().map((e) => [e.start, e.end, e.stroke === "dotted", shown(e.text).join(" ")]);
	const boxes = db.getSubGraphs().map((b) => [shown(b.title), b.nodes]);
	console.log(JSON.stringify({nodes, edges, boxes}));
}
