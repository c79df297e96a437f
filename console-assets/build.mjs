// Write src/sesame/console/static anew; the same input gives the same bytes.
import { build } from "esbuild";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";

const out = new URL("../src/sesame/console/static/", import.meta.url).pathname;
const here = new URL("./", import.meta.url).pathname;
const { metafile } = await build({
  entryPoints: [`${here}console.js`, `${here}console.css`, `${here}editor.js`],
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022", "chrome123", "firefox128", "safari17.5"],
  legalComments: "none",
  charset: "utf8",
  metafile: true,
});
copyFileSync(`${here}icon.svg`, `${out}icon.svg`);

// Whose code is in them, with the licence of each.
const packages = new Set();
for (const path of Object.keys(metafile.inputs)) {
  const found = path.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)\//);
  if (found) packages.add(found[1]);
}
const notices = [...packages].sort().map((name) => {
  const at = `${here}node_modules/${name}/`;
  const { version, license } = JSON.parse(readFileSync(`${at}package.json`, "utf8"));
  return `${name} ${version} (${license})\n\n${readFileSync(`${at}LICENSE`, "utf8").trim()}\n`;
});
const head = "editor.js contains these packages, each under the licence that follows its name.\n";
writeFileSync(`${out}THIRD-PARTY.txt`, [head, ...notices].join(`\n${"-".repeat(80)}\n\n`));
